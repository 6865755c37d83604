import { expect, it } from 'vitest';
import { bytesOf } from '../../src/core/byte-text.js';
import { recognise } from '../../src/core/recognise.js';

it.each([
  ['HTTP/1.1 400 Bad Request\r\n', 'HTTP'],
  ['<html>\r\n', 'HTTP'],
  ['SSH-2.0-OpenSSH_9.2p1\r\n', 'SSH'],
  ['220 mail.test ESMTP Postfix\r\n', 'SMTP'],
  ['220 (vsFTPd 3.0.3)\r\n', 'FTP'],
  ['500 what?\r\n', 'SMTP or FTP'],
  ['* OK [CAPABILITY IMAP4rev1] ready\r\n', 'IMAP'],
  ['-NOAUTH Authentication required.\r\n', 'Redis'],
  ["-ERR unknown command 'HEAD'\r\n", 'Redis'],
  ['INFO {"server_id":"N"}\r\n', 'NATS'],
  ["-ERR 'Unknown Protocol Operation'\r\n", 'NATS'],
  ['+OK POP3 ready\r\n', 'POP3'],
  ['ERROR\r\n', 'memcached'],
  ['RFB 003.008\n', 'VNC'],
  ['@RSYNCD: 31.0\n', 'rsync'],
  ['hex:414d515000000901', 'AMQP'],
  ['hex:01000000000178000a000a', 'AMQP'],
  ['hex:15030300020246', 'TLS'],
  ['hex:16030300', 'TLS'],
  ['hex:5b0000000a352e35', 'MySQL'],
  ['hex:45000000515346415441 4c00', 'PostgreSQL'],
  ['hex:20020005', 'MQTT'],
  ['hex:00000000', 'a server that echoes frames, such as tcpalive serve'],
])('%s is %s', (said, name) => {
  expect(recognise(bytesOf(said))).toBe(name);
});

it.each(['hello\r\n', 'hex:00', 'hex:ffff', 'hex:0a0b0c', ' HTTP/1.1'])('%s is nobody', (said) => {
  expect(recognise(bytesOf(said))).toBeUndefined();
});
