// The log for other programs: as lines of JSON, or as OCSF (schema.ocsf.io), class API Activity. Names are there when
// the events were read while unlocked.

import type { EventFacts, EventKind, RecordedEvent } from '../core/event.ts';

/** schema.ocsf.io/1.4.0/classes/api_activity */
const OCSF_VERSION = '1.4.0';
const CATEGORY_APPLICATION = 6;
const CLASS_API_ACTIVITY = 6003;
const ACTIVITY = { create: 1, read: 2, update: 3, delete: 4, other: 99 } as const;
const SEVERITY = { informational: 1, low: 2, medium: 3, high: 4 } as const;
const STATUS = { success: 1, failure: 2 } as const;

type Meaning = readonly [keyof typeof ACTIVITY, keyof typeof SEVERITY, keyof typeof STATUS];

/** What each event is in the words of OCSF. */
const MEANINGS: Readonly<Record<EventKind, Meaning>> = {
  daemon_started: ['other', 'informational', 'success'],
  daemon_stopped: ['other', 'informational', 'success'],
  vault_created: ['create', 'informational', 'success'],
  vault_unlocked: ['read', 'informational', 'success'],
  unlock_refused: ['read', 'medium', 'failure'],
  vault_locked: ['update', 'informational', 'success'],
  vault_recovered: ['update', 'medium', 'success'],
  recovery_kit_written: ['create', 'medium', 'success'],
  agent_seen: ['create', 'informational', 'success'],
  agent_admitted: ['update', 'informational', 'success'],
  agent_blocked: ['update', 'medium', 'success'],
  agent_forgotten: ['delete', 'informational', 'success'],
  environment_created: ['create', 'informational', 'success'],
  environment_renamed: ['update', 'informational', 'success'],
  environment_deleted: ['delete', 'low', 'success'],
  environment_output_set: ['update', 'low', 'success'],
  variable_set: ['update', 'informational', 'success'],
  variable_unset: ['delete', 'informational', 'success'],
  collection_created: ['create', 'informational', 'success'],
  collection_renamed: ['update', 'informational', 'success'],
  collection_deleted: ['delete', 'medium', 'success'],
  item_created: ['create', 'informational', 'success'],
  item_changed: ['update', 'informational', 'success'],
  item_restored: ['update', 'informational', 'success'],
  item_archived: ['update', 'informational', 'success'],
  item_deleted: ['delete', 'low', 'success'],
  items_imported: ['create', 'low', 'success'],
  items_exported: ['read', 'medium', 'success'],
  revealed: ['read', 'low', 'success'],
  terminal_approved: ['update', 'low', 'success'],
  file_imported: ['create', 'low', 'success'],
  file_restored: ['read', 'medium', 'success'],
  mounted: ['create', 'informational', 'success'],
  unmounted: ['delete', 'informational', 'success'],
  mount_tampered: ['update', 'high', 'failure'],
  requested: ['read', 'informational', 'success'],
  granted: ['update', 'informational', 'success'],
  denied: ['read', 'low', 'failure'],
  expired: ['read', 'low', 'failure'],
  cancelled: ['read', 'informational', 'failure'],
  refused: ['read', 'low', 'failure'],
  approval_refused: ['update', 'medium', 'failure'],
  leased: ['read', 'informational', 'success'],
  delivered: ['read', 'informational', 'success'],
  ended: ['other', 'informational', 'success'],
  revoked: ['delete', 'low', 'success'],
  run_suspicious: ['read', 'high', 'success'],
  run_tainted: ['create', 'high', 'success'],
  taint_scan_cut: ['other', 'low', 'success'],
  output_held: ['create', 'informational', 'success'],
  output_read: ['read', 'informational', 'success'],
  output_released: ['read', 'low', 'success'],
  method_refused: ['other', 'medium', 'failure'],
  audit_exported: ['read', 'low', 'success'],
  audit_recovered: ['update', 'low', 'success'],
  audit_damaged: ['update', 'high', 'failure'],
  audit_rotated: ['create', 'informational', 'success'],
  clock_changed: ['update', 'low', 'success'],
};

/** Facts that point at a thing, and what kind of thing it is. */
const RESOURCES = [
  ['environmentId', 'environment'],
  ['requestId', 'request'],
  ['grantId', 'grant'],
  ['leaseId', 'lease'],
  ['runId', 'run'],
  ['mountId', 'mount'],
] as const;

export type ExportFormat = 'jsonl' | 'ocsf';

/** One JSON document a line, in ASCII. `productVersion` is ours, for the metadata of OCSF. */
export function exportEvents(events: Iterable<RecordedEvent>, format: ExportFormat, productVersion = '0'): string {
  const documentOf = (event: RecordedEvent): unknown => (format === 'ocsf' ? toOcsf(event, productVersion) : event);
  return Array.from(events, (event) => `${plainAscii(JSON.stringify(documentOf(event)))}\n`).join('');
}

/** One event as an OCSF object with every attribute that its class requires. */
export function toOcsf(event: RecordedEvent, productVersion: string): Record<string, unknown> {
  const [activity, severity, status] = MEANINGS[event.event];
  const { facts, names } = event;
  return {
    activity_id: ACTIVITY[activity],
    category_uid: CATEGORY_APPLICATION,
    class_uid: CLASS_API_ACTIVITY,
    type_uid: CLASS_API_ACTIVITY * 100 + ACTIVITY[activity],
    severity_id: SEVERITY[severity],
    status_id: STATUS[status],
    ...(facts.why === undefined ? {} : { status_detail: facts.why }),
    time: Date.parse(event.at),
    ...(facts.durationMs === undefined ? {} : { duration: facts.durationMs }),
    metadata: {
      version: OCSF_VERSION,
      product: { name: 'Keystile', vendor_name: 'Keystile', version: productVersion },
      uid: String(event.seq),
      sequence: event.seq,
      event_code: event.event,
      original_time: event.at,
    },
    actor: actorOf(event),
    api: { operation: event.event, ...(facts.requestId === undefined ? {} : { request: { uid: facts.requestId } }) },
    src_endpoint: { name: 'localhost', ip: '127.0.0.1' },
    resources: resourcesOf(facts),
    unmapped: { facts, ...(names === undefined ? {} : { names }) },
  };
}

/** OCSF wants at least one thing that names the actor: the agent, or keystile itself. */
function actorOf({ facts, names }: RecordedEvent): Record<string, unknown> {
  const process = facts.pid === undefined ? {} : { process: { pid: facts.pid } };
  if (facts.agentId === undefined) return { app_name: 'keystile', ...process };
  return { app_name: names?.agent ?? facts.agentId, app_uid: facts.agentId, ...process };
}

function resourcesOf(facts: EventFacts): { uid: string; type: string }[] {
  return RESOURCES.flatMap(([fact, type]) => {
    const uid = facts[fact];
    return uid === undefined ? [] : [{ uid, type }];
  });
}

/** The same JSON in ASCII: names come from agents, and must not reach a terminal or a line reader as they are. */
function plainAscii(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
