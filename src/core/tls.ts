/** What was agreed on with a peer under TLS. What a certificate says is text from outside. */
export interface TlsFacts {
  /** `TLSv1.3` */
  readonly protocol: string;
  /** In the words of its RFC: `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
  /** Whom the certificate is for and who signed it: `CN=example.org, O=Example`. */
  readonly subject: string;
  readonly issuer: string;
  /** Why the certificate is not trusted; null when it is. */
  readonly problem: string | null;
}

/** What is to be said of a connection that goes on under --insecure; nothing: it is trusted. */
export function trustNotes(tls: TlsFacts | null): readonly string[] {
  const problem = tls?.problem ?? null;
  if (problem === null) return [];
  return [
    `whoever answered need not be the server that was meant: its certificate is not trusted (${problem}), and --insecure goes on`,
  ];
}
