import { z } from 'zod';
import { byteSize } from '../model/schema.ts';
import type { QuotaSettings } from './daily-quota.ts';

/** What the owner of a hub has bought; the same keys for every dialect. */
export function limitsSchemaOf({ chunk }: { readonly chunk: string }) {
  return z
    .strictObject({
      messagesPerSecond: z
        .number()
        .positive()
        .optional()
        .meta({
          description: 'Sent no faster than this; half as fast when the hub throttles, then slowly more again',
          examples: [12],
        }),
      messagesPerDay: z
        .int()
        .positive()
        .optional()
        .meta({
          description:
            'Used up, the gateway waits until midnight UTC and the spool keeps what comes. `/status` tells when that will be',
          examples: [400_000],
        }),
      chunk: byteSize()
        .refine((bytes) => bytes >= 1, 'a size of at least one byte')
        .prefault(chunk)
        .meta({ description: 'A message counts once for each begun chunk of its payload', examples: ['4 KiB'] }),
    })
    .optional()
    .meta({
      description: 'What the hub sells: pace and daily quota',
      examples: [{ messagesPerSecond: 12, messagesPerDay: 400_000 }],
    });
}

export const limitsSchema = limitsSchemaOf({ chunk: '4 KiB' });

export interface DeliveryLimits {
  readonly messagesPerSecond?: number;
  /** A message is billed once for each begun chunk of its payload; absent: once. */
  readonly chunkBytes?: number;
  readonly quota?: QuotaSettings;
}

export function toLimits(parsed: z.output<typeof limitsSchema>): DeliveryLimits {
  if (parsed === undefined) return {};
  const { messagesPerSecond, messagesPerDay, chunk: chunkBytes } = parsed;
  return {
    ...(messagesPerSecond === undefined ? {} : { messagesPerSecond }),
    ...(messagesPerDay === undefined ? {} : { quota: { messagesPerDay, chunkBytes } }),
  };
}
