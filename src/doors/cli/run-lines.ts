// What is to be said of runs that are over: output that waits, and what a human should look at. The same words wherever
// they are shown.

import { suspicionText } from '../../core/suspicion.ts';
import { taintText } from '../../core/taint.ts';
import type { HeldView, NoticeView, RunView } from '../../wire/views.ts';

/** Places of one run that are shown; `keystile audit list` has all. */
const PLACES_SHOWN_MAX = 5;

export function heldLine(held: HeldView): string {
  return `${whichRun(held)}: ${held.bytes} bytes of output wait for you`;
}

export function noticeLines(notice: NoticeView): string[] {
  if (notice.kind === 'suspicious') {
    const names = notice.variables.length === 0 ? '' : ` of ${notice.variables.join(', ')}`;
    return [
      `!! ${whichRun(notice)}: somebody may be after secrets. Its output had ${suspicionText(notice.signs)}${names}`,
    ];
  }
  const { hits, limits } = notice;
  const left = hits.length - PLACES_SHOWN_MAX;
  const more = left > 0 ? [`   and ${left} more places: keystile audit list`] : [];
  const cut = limits.length > 0 ? [`   not everything was looked at: ${limits.join(', ')}`] : [];
  return [
    `!! ${whichRun(notice)}: it left secrets in files`,
    ...hits.slice(0, PLACES_SHOWN_MAX).map((hit) => `   ${taintText(hit)}`),
    ...more,
    ...cut,
  ];
}

function whichRun({ runId, agent, argv }: RunView): string {
  return `${runId} of ${agent} (${argv.join(' ').slice(0, ARGV_SHOWN_MAX)})`;
}

const ARGV_SHOWN_MAX = 60;
