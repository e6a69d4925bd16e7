/** Enough for any gateway; bounds what a hub can make us remember. */
const MAX_ALIASES = 4_096;

/** What an alias adds to a packet. */
export const ALIAS_BYTES = 3;

export interface AliasedTopic {
  /** Empty where the hub knows the alias. */
  readonly topic: string;
  readonly topicAlias?: number;
}

/** Numbers in place of topics for one connection (MQTT 5 §3.3.2.3.4). The topic that was not used for longest gives up its number. */
export class TopicAliases {
  readonly #maximum: number;
  /** The one not used for longest comes first. */
  readonly #aliases = new Map<string, number>();

  /** `maximum`: what the hub allows; 0: none. */
  constructor(maximum: number) {
    this.#maximum = Math.min(maximum, MAX_ALIASES);
  }

  /** For a packet that is sent now: the hub learns aliases in the order of the packets. */
  use(topic: string): AliasedTopic {
    if (this.#maximum === 0) return { topic };
    const known = this.#aliases.get(topic);
    this.#aliases.delete(topic);
    const topicAlias = known ?? this.#free();
    this.#aliases.set(topic, topicAlias);
    return { topic: known === undefined ? topic : '', topicAlias };
  }

  #free(): number {
    const [oldest] = this.#aliases;
    if (oldest === undefined || this.#aliases.size < this.#maximum) return this.#aliases.size + 1;
    this.#aliases.delete(oldest[0]);
    return oldest[1];
  }
}
