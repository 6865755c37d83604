/**
 * Memory of this process, in bytes. Node reads it from a file (uv_resident_set_memory): null where there is
 * no descriptor to open that with.
 */
export function residentBytes(): number | null {
  try {
    return process.memoryUsage.rss();
  } catch {
    return null;
  }
}
