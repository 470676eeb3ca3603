import { join } from 'node:path';
import { execa } from 'execa';

export interface Certificate {
  certFile: string;
  keyFile: string;
}

/** Makes a self-signed certificate for `localhost` with openssl. */
export const makeCertificate = async (dir: string, name: string): Promise<Certificate> => {
  const [certFile, keyFile] = [join(dir, `${name}.pem`), join(dir, `${name}.key`)];
  await execa('openssl', [
    ...['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-days', '1'],
    ...['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ...['-keyout', keyFile, '-out', certFile],
  ]);
  return { certFile, keyFile };
};
