/**
 * Who runs a process, from its cgroup: the container, or the systemd unit (cgroups(7),
 * systemd.slice(5)). Null: nobody in particular.
 */
export function unitOf(cgroup: string): string | null {
  const parts = cgroup.split('/').filter((part) => part !== '');
  const container = parts
    .map((part, at) => containerIn(part, parts[at - 1]))
    .findLast((name) => name !== undefined);
  if (container !== undefined) return container;
  return parts.findLast((part) => /\.(service|scope)$/.test(part)) ?? null;
}

/**
 * `docker-<id>.scope`, `….slice:cri-containerd:<id>`, `/docker/<id>`, `/kubepods/.../<id>`, the id as
 * docker ps shortens it; `/lxc/<name>` and `/lxc.payload.<name>`.
 */
function containerIn(part: string, parent = ''): string | undefined {
  const [, lxc] = /^lxc\.payload\.(.+)$/.exec(part) ?? [];
  if (lxc !== undefined) return `lxc-${lxc}`;
  if (parent === 'lxc') return `lxc-${part}`;
  const [, runtime, id] = /^(?:(?:.*:)?([a-z-]+)[-:])?([0-9a-f]{64})(?:\.scope)?$/.exec(part) ?? [];
  if (id === undefined) return undefined;
  return `${runtime ?? (parent === 'docker' ? parent : 'container')}-${id.slice(0, 12)}`;
}
