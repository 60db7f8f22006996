/**
 * Work that is cheaper together: what comes while a batch is under way waits and goes as the next one. So batches form under load and only then;
 * nothing waits for others to come, unless `lingerMs` says so.
 */

export interface BatchOptions<Item, Answer> {
  /** A batch that takes longer does not hold up the next one. */
  readonly patienceMs: number;
  /** How long a batch waits for others to come along, for work that nobody waits for. */
  readonly lingerMs?: number;
  /** Batches under way at most. */
  readonly atOnce: number;
  /** Items of a batch at most. */
  readonly maxItems: number;
  /** The sizes of a batch's items add up to this at most; a larger item goes alone. */
  readonly maxSize?: number;
  readonly sizeOf?: (item: Item) => number;
  /** Items that share a key go one after another, in the order they came. */
  readonly keysOf?: (item: Item) => readonly string[];
  /** An answer for each item, in their order. Throwing is the answer to all of them. */
  readonly run: (items: readonly Item[]) => Promise<readonly PromiseSettledResult<Answer>[]>;
}

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly keys: readonly string[];
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** A function for one item; it answers as if the item went alone. */
export function inBatches<Item, Answer>(options: BatchOptions<Item, Answer>): (item: Item) => Promise<Answer> {
  const { patienceMs, lingerMs = 0, atOnce, maxItems, maxSize = Infinity, sizeOf = () => 0, keysOf = () => [], run } = options;
  let queue: Waiting<Item, Answer>[] = [];
  const busyKeys = new Set<string>();
  let underWay = 0;
  let newest: object | undefined;
  let isPlanned = false;

  /** Takes what may go now out of the queue. A key that was passed over holds back all later items with it. */
  function nextBatch(): Waiting<Item, Answer>[] {
    const batch: Waiting<Item, Answer>[] = [];
    const left: Waiting<Item, Answer>[] = [];
    const taken = new Set(busyKeys);
    let size = 0;
    for (const [n, waiting] of queue.entries()) {
      const itemSize = sizeOf(waiting.item);
      if (batch.length === maxItems || (batch.length > 0 && size + itemSize > maxSize)) {
        left.push(...queue.slice(n));
        break;
      }
      if (waiting.keys.some((key) => taken.has(key))) left.push(waiting);
      else {
        batch.push(waiting);
        size += itemSize;
      }
      for (const key of waiting.keys) taken.add(key);
    }
    queue = left;
    return batch;
  }

  async function runBatch(batch: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await run(batch.map(({ item }) => item));
      for (const [n, { resolve, reject }] of batch.entries()) {
        const answer = answers[n];
        if (answer?.status === 'fulfilled') resolve(answer.value);
        else reject(answer?.reason);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  function startBatch(): void {
    isPlanned = false;
    const batch = nextBatch();
    if (batch.length === 0) return;
    const keys = batch.flatMap((waiting) => waiting.keys);
    for (const key of keys) busyKeys.add(key);
    underWay += 1;
    const overdue = setTimeout(goOn, patienceMs, batch);
    newest = batch;
    void runBatch(batch).then(() => {
      clearTimeout(overdue);
      for (const key of keys) busyKeys.delete(key);
      underWay -= 1;
      goOn(batch);
    });
  }

  /** Nobody waits for this batch any longer. */
  function goOn(batch: object): void {
    if (newest === batch) newest = undefined;
    plan();
  }

  /** At the end of this turn of the event loop, so that what comes in it goes together. */
  function plan(): void {
    if (isPlanned || newest !== undefined || underWay === atOnce) return;
    isPlanned = true;
    if (lingerMs > 0) setTimeout(startBatch, lingerMs);
    else setImmediate(startBatch);
  }

  return (item) =>
    new Promise((resolve, reject) => {
      queue.push({ item, keys: keysOf(item), resolve, reject });
      plan();
    });
}
