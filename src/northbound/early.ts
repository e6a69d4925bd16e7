import { Observable, Subject } from 'rxjs';

/** More are lost to whoever subscribes late. */
const MAX_EARLY = 10_000;

/** A hot stream that keeps what comes before its first subscriber: a session is used only when it is open, and the hub talks before that. */
export class EarlySubject<T> {
  readonly #subject = new Subject<T>();
  readonly #early: T[] = [];
  readonly observable = new Observable<T>((subscriber) => {
    const subscription = this.#subject.subscribe(subscriber);
    for (const one of this.#early.splice(0)) subscriber.next(one);
    return subscription;
  });

  next(one: T): void {
    if (this.#subject.observed) this.#subject.next(one);
    else if (this.#early.length < MAX_EARLY) this.#early.push(one);
  }

  complete(): void {
    this.#subject.complete();
  }
}
