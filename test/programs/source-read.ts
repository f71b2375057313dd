// Prints the value of one reference: [sources.team] of a config.toml, and a reference, as arguments.

import { parseReference } from '../../src/core/reference.ts';
import { parseSettings } from '../../src/machine/settings.ts';
import { openSource } from '../../src/sources/source.ts';

const [toml = '', reference = ''] = process.argv.slice(2);
const settings = parseSettings(`[sources.team]\n${toml}`).sources.get('team');
if (settings === undefined) throw new Error('no such source');
const source = openSource(settings, { searchPath: ['/usr/bin', '/bin'], home: '/', user: 'somebody' });
using value = await source.read(parseReference(reference), new AbortController().signal);
process.stdout.write(value.reveal());
