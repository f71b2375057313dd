// A table by names that others may choose: `constructor` is in every object, and in no such table.

export function tableOf<T>(rows: Readonly<Record<string, T>>): ReadonlyMap<string, T> {
  return new Map(Object.entries(rows));
}
