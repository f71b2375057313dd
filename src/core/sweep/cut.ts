// What is to be taken out of a text: stretches with the names they belong to. They are joined where they overlap, and each
// becomes one marker.

import type { Redaction } from '../request.ts';
import type { NeedleSet } from '../redactor/needles.ts';
import type { Span } from './view.ts';

/** How something was found: as it stands; between other letters; decoded; by its look alone. */
export type Kind = 'plain' | 'scattered' | 'decoded' | 'shape';

export interface Find {
  readonly span: Span;
  readonly kind: Kind;
  readonly name: string;
  readonly form: string;
}

interface Stretch {
  readonly start: number;
  end: number;
  readonly kinds: Set<Kind>;
  readonly forms: Map<string, Set<string>>;
}

/** Adjacent finds of one secret come in great numbers, a part at a time: so many are joined before there are more. */
const FINDS_MAX = 100_000;

export class Cut {
  readonly #needles: NeedleSet;
  readonly #tallies = new Map<string, { count: number; forms: Set<string> }>();
  readonly #counts: Record<Kind, number> = { plain: 0, scattered: 0, decoded: 0, shape: 0 };
  #stretches: Stretch[] = [];
  #finds: Find[] = [];
  #hasChanged = false;

  constructor(needles: NeedleSet) {
    this.#needles = needles;
  }

  add(find: Find): void {
    this.#finds.push(find);
    if (this.#finds.length >= FINDS_MAX) this.#join();
  }

  /** Everything that was added and is not yet taken out; when there is too much, joined already. */
  get finds(): readonly Find[] {
    const joined = this.#stretches.flatMap(({ start, end, kinds, forms }) =>
      [...forms.keys()].map((name): Find => ({ span: [start, end], kind: [...kinds][0]!, name, form: 'scattered' })),
    );
    return [...joined, ...this.#finds];
  }

  /** Whether the last call of `applyTo` took anything out. */
  get hasChanged(): boolean {
    return this.#hasChanged;
  }

  /** `text` with a marker for each stretch; nothing is left to be taken out. */
  applyTo(text: Buffer): Buffer {
    this.#join();
    const parts: Buffer[] = [];
    let at = 0;
    for (const stretch of this.#stretches) {
      parts.push(text.subarray(at, stretch.start), this.#mark(stretch));
      at = stretch.end;
    }
    this.#hasChanged = parts.length > 0;
    this.#stretches = [];
    return this.#hasChanged ? Buffer.concat([...parts, text.subarray(at)]) : text;
  }

  get redactions(): Redaction[] {
    return [...this.#tallies]
      .map(([name, { count, forms }]) => ({ name, count, forms: [...forms].sort() }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  get signs(): { scattered: number; decoded: number; shapes: number } {
    const { scattered, decoded, shape } = this.#counts;
    return { scattered, decoded, shapes: shape };
  }

  #join(): void {
    const found = this.#finds.map(({ span: [start, end], kind, name, form }): Stretch => {
      return { start, end, kinds: new Set([kind]), forms: new Map([[name, new Set([form])]]) };
    });
    const all = [...this.#stretches, ...found].sort((a, b) => a.start - b.start);
    this.#finds = [];
    this.#stretches = [];
    for (const stretch of all) {
      const last = this.#stretches.at(-1);
      if (last === undefined || stretch.start >= last.end) this.#stretches.push(stretch);
      else merge(last, stretch);
    }
  }

  #mark({ kinds, forms }: Stretch): Buffer {
    this.#counts[KINDS.find((kind) => kinds.has(kind)) ?? 'plain'] += 1;
    for (const [name, all] of forms) {
      // What stands there as it is, is found normalised as well.
      const inPlain = new Set([...all].filter((form) => form !== 'scattered' && form !== 'decoded'));
      const own = inPlain.size > 0 ? inPlain : all;
      const tally = this.#tallies.get(name) ?? { count: 0, forms: new Set() };
      this.#tallies.set(name, { count: tally.count + 1, forms: tally.forms.union(own) });
    }
    return this.#needles.markerFor([...forms.keys()].sort());
  }
}

/** What is found in several ways counts for the first of these. */
const KINDS: readonly Kind[] = ['plain', 'scattered', 'decoded', 'shape'];

function merge(into: Stretch, other: Stretch): void {
  into.end = Math.max(into.end, other.end);
  for (const kind of other.kinds) into.kinds.add(kind);
  for (const [name, forms] of other.forms) into.forms.set(name, (into.forms.get(name) ?? new Set()).union(forms));
}
