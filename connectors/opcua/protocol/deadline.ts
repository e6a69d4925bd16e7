import { GatewayError } from '../../../src/model/error.ts';

/**
 * Settles with the promise, or rejects at once when the signal aborts, or with LINK_TIMEOUT after `timeoutMs`. Some calls of the
 * library never settle on a dead link; whatever comes of them later is dropped.
 */
export function within<T>(
  promise: Promise<T>,
  timeoutMs: number,
  signal: AbortSignal,
  subject: string,
  doing: string,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      finish();
    };
    const onAbort = () => settle(() => reject(abortError(signal, subject)));
    const timer = setTimeout(
      () => settle(() => reject(new GatewayError('LINK_TIMEOUT', subject, `${doing}: no answer within ${timeoutMs} ms`))),
      timeoutMs,
    );
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    promise.then(
      (value) => settle(() => resolve(value)),
      (error) => settle(() => reject(error)),
    );
  });
}

export function abortError(signal: AbortSignal, subject: string): GatewayError {
  if (signal.reason instanceof GatewayError) return signal.reason;
  return new GatewayError('LINK_CLOSED', subject, 'stopped', { cause: signal.reason });
}

export function failIfAborted(signal: AbortSignal, subject: string): void {
  if (signal.aborted) throw abortError(signal, subject);
}
