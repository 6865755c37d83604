import { describe, expect, it } from 'vitest';
import { unitOf } from '../../src/core/unit.js';

const ID = '3f4e8a2b9c1d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d9e0f';
const SHORT = '3f4e8a2b9c1d';

describe('unitOf', () => {
  it.each([
    ['a systemd service', '/system.slice/nginx.service', 'nginx.service'],
    [
      'an instance of one',
      '/system.slice/system-postgresql.slice/postgresql@15-main.service',
      'postgresql@15-main.service',
    ],
    [
      'a part of a service that delegates',
      '/system.slice/gitlab-runner.service/job-7',
      'gitlab-runner.service',
    ],
    ['a login', '/user.slice/user-1000.slice/session-3.scope', 'session-3.scope'],
    [
      "a service of a user's own",
      '/user.slice/user-1000.slice/user@1000.service/app.slice/syncthing.service',
      'syncthing.service',
    ],
    [
      "a terminal in a user's session",
      '/user.slice/user-1000.slice/user@1000.service/app.slice/app-org.gnome.Terminal.slice/vte-spawn-5a6b.scope',
      'vte-spawn-5a6b.scope',
    ],
    ['the first process', '/init.scope', 'init.scope'],
    ['docker under systemd', `/system.slice/docker-${ID}.scope`, `docker-${SHORT}`],
    ['docker with cgroupfs', `/docker/${ID}`, `docker-${SHORT}`],
    ['a service inside docker', `/docker/${ID}/system.slice/nginx.service`, `docker-${SHORT}`],
    [
      'Kubernetes with containerd',
      `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a1b2c3d_4e5f.slice/cri-containerd-${ID}.scope`,
      `cri-containerd-${SHORT}`,
    ],
    [
      'Kubernetes with CRI-O',
      `/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod0a1b2c3d_4e5f.slice/crio-${ID}.scope`,
      `crio-${SHORT}`,
    ],
    [
      'a container of CRI-O in its scope',
      `/kubepods.slice/kubepods-pod0a1b.slice/crio-${ID}.scope/container`,
      `crio-${SHORT}`,
    ],
    [
      'Kubernetes with cgroupfs',
      `/kubepods/burstable/pod0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9/${ID}`,
      `container-${SHORT}`,
    ],
    [
      'Kubernetes with containerd and no systemd driver',
      `/system.slice/containerd.service/kubepods-burstable-pod0a1b.slice:cri-containerd:${ID}`,
      `cri-containerd-${SHORT}`,
    ],
    ['podman', `/machine.slice/libpod-${ID}.scope`, `libpod-${SHORT}`],
    ['podman, its payload apart', `/machine.slice/libpod-${ID}.scope/container`, `libpod-${SHORT}`],
    [
      'podman of a user',
      `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope`,
      `libpod-${SHORT}`,
    ],
    [
      'the monitor of podman, which is in no container',
      `/machine.slice/libpod-conmon-${ID}.scope`,
      `libpod-conmon-${SHORT}`,
    ],
    ['lxc', '/lxc/web1', 'lxc-web1'],
    ['lxc from 4 on', '/lxc.payload.web1/system.slice/nginx.service', 'lxc-web1'],
    [
      'a virtual machine',
      '/machine.slice/machine-qemu\\x2d1\\x2ddb.scope/libvirt/emulator',
      'machine-qemu\\x2d1\\x2ddb.scope',
    ],
    ['nobody in particular', '/', null],
    ['no cgroup at all', '', null],
    ['a slice alone', '/user.slice', null],
    ['a folder that somebody made', '/batch/job-7', null],
  ])('%s', (_, cgroup, unit) => {
    expect(unitOf(cgroup)).toBe(unit);
  });
});
