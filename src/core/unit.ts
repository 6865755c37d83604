/**
 * Who runs a process, from its cgroup: the systemd unit, or the container (cgroups(7),
 * systemd.slice(5)). Null: nobody in particular.
 */
export function unitOf(cgroup: string): string | null {
  const parts = cgroup.split('/').filter((part) => part !== '');
  const container = parts.map(containerIn).findLast((name) => name !== undefined);
  if (container !== undefined) return container;
  return parts.findLast((part) => /\.(service|scope)$/.test(part)) ?? null;
}

/** `docker-<id>.scope`, `cri-containerd-<id>.scope`, `/docker/<id>`, `/kubepods/.../<id>`: the id as docker ps shortens it. */
function containerIn(part: string): string | undefined {
  const [, runtime = '', id] = /^(?:([a-z-]+)-)?([0-9a-f]{64})(?:\.scope)?$/.exec(part) ?? [];
  if (id === undefined) return undefined;
  return `${runtime === '' ? 'container' : runtime}-${id.slice(0, 12)}`;
}
