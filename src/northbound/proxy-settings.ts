import { z } from 'zod';
import { secret } from '../model/schema.ts';
import type { ProxySettings } from './dialect.ts';

const DEFAULT_PORT = 8080;

/** The way out of the plant; the same keys for every dialect. */
export const proxySchema = z
  .strictObject({
    url: z
      .string()
      .regex(
        /^http:\/\/[^\s/?#@]+\/?$/,
        'an address such as `http://proxy.plant-a.example:3128`; user and password stand beside it',
      )
      .refine((url) => URL.canParse(url), 'an address such as `http://proxy.plant-a.example:3128`')
      .meta({
        description: 'Where the proxy listens; default port 8080. It must let `CONNECT` through to the port of the hub',
        examples: ['http://proxy.plant-a.example:3128'],
      }),
    username: z
      .string()
      .min(1)
      .regex(/^[^:]*$/, 'a user name without `:`')
      .optional()
      .meta({ description: 'User name, where the proxy asks for one (Basic)', examples: ['gw3'] }),
    password: secret()
      .optional()
      .meta({ description: 'Password of that user', examples: ['!secret proxy-password'] }),
  })
  .optional()
  .meta({
    description: 'HTTP proxy on the way to the hub. TLS goes through it untouched',
    examples: [{ url: 'http://proxy.plant-a.example:3128' }],
  });

/** As a part of `WireSettings`. */
export function toProxy(parsed: z.output<typeof proxySchema>): { readonly proxy?: ProxySettings } {
  if (parsed === undefined) return {};
  const { hostname, port } = new URL(parsed.url);
  const { username, password } = parsed;
  return {
    proxy: {
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      // `URL` leaves the default port of HTTP away.
      port: port === '' ? portOf(parsed.url) : Number(port),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
    },
  };
}

function portOf(url: string): number {
  return /:80\/?$/.test(url) ? 80 : DEFAULT_PORT;
}
