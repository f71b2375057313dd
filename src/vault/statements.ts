// Every statement the store runs. One row is one record, and columns are named, never counted.

const COLUMNS = 'type, id, parent, name_key, revision, wrapped_key, nonce, tag';

export const SQL = {
  header: 'SELECT * FROM header',
  putHeader: 'INSERT OR REPLACE INTO header VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  get: `SELECT ${COLUMNS} FROM records WHERE type = ? AND id = ?`,
  find: `SELECT ${COLUMNS} FROM records WHERE name_key = ?`,
  list: `SELECT ${COLUMNS} FROM records WHERE type = ? AND parent = ? ORDER BY revision, id`,
  // The plus keeps SQLite from walking all ids of the type for the sake of their order.
  ids: 'SELECT id FROM records WHERE type = ? AND parent = ? ORDER BY +id',
  count: 'SELECT count(*) AS count FROM records WHERE type = ? AND parent = ?',
  oldest: 'SELECT id FROM records WHERE type = ? AND parent = ? ORDER BY revision, id LIMIT 1',
  range: `SELECT ${COLUMNS} FROM records INDEXED BY records_by_name
    WHERE name_key >= ? AND name_key < ? ORDER BY name_key LIMIT ?`,
  reachable: `SELECT count(*) AS count FROM records AS named INDEXED BY records_by_name
    CROSS JOIN records AS identified INDEXED BY sqlite_autoindex_records_1
    CROSS JOIN records AS belonging INDEXED BY records_by_parent
    WHERE named.name_key >= ? AND named.name_key < ?
    AND identified.type = named.type AND identified.id = named.id AND identified.rowid = named.rowid
    AND belonging.type = named.type AND belonging.parent = named.parent AND belonging.revision = named.revision
    AND belonging.id = named.id AND belonging.rowid = named.rowid`,
  ciphertext: 'SELECT ciphertext FROM records WHERE type = ? AND id = ?',
  put: `INSERT INTO records (${COLUMNS}, ciphertext) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (type, id) DO UPDATE SET parent = excluded.parent, name_key = excluded.name_key,
    revision = excluded.revision, wrapped_key = excluded.wrapped_key, nonce = excluded.nonce, tag = excluded.tag,
    ciphertext = excluded.ciphertext`,
  remove: 'DELETE FROM records WHERE type = ? AND id = ?',
  buckets: 'SELECT bucket, entries FROM buckets WHERE bucket >= ? AND bucket < ?',
  putBucket: 'INSERT OR REPLACE INTO buckets VALUES (?, ?)',
  removeBucket: 'DELETE FROM buckets WHERE bucket = ?',
  digests: 'SELECT first_byte, buckets FROM digests',
  putDigests: 'INSERT OR REPLACE INTO digests VALUES (?, ?)',
  removeDigests: 'DELETE FROM digests WHERE first_byte = ?',
  counts: 'SELECT type, records FROM counts',
  putCount: 'INSERT OR REPLACE INTO counts VALUES (?, ?)',
  beforeUpgrade: 'SELECT *, substr(sealed, -16) AS tag FROM records NOT INDEXED',
  attempts: 'SELECT failures, last_at FROM attempts',
  putAttempts: 'INSERT OR REPLACE INTO attempts VALUES (1, ?, ?)',
  check: 'PRAGMA integrity_check(1)',
} as const;
