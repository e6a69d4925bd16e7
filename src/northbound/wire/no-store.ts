import { Store } from 'mqtt';

/**
 * What MQTT.js would keep for sending again after it has connected again, which it never does here: the spool keeps the messages. Its own
 * store is a `Map`, whose tables, each replaced by the next as entries come and go, hold every message until a full garbage collection.
 */
export class NoStore extends Store {
  override put(...[, done]: Parameters<Store['put']>): this {
    done();
    return this;
  }

  override del(...[, done]: Parameters<Store['del']>): this {
    done();
    return this;
  }
}
