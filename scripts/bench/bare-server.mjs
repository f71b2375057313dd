// The least an MCP server can be in Node: the floor that the others stand on. No library, no checks, no store.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const tools = ['list_variables', 'run'].map((name) => ({ name, inputSchema: { type: 'object' } }));
const listed = { status: 'completed', variableNames: ['API_TOKEN', 'REGION'] };

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  const answer = (result) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);
  if (method === 'initialize') {
    const serverInfo = { name: 'bare', version: '1.0.0' };
    answer({ protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo });
  } else if (method === 'tools/list') answer({ tools });
  else if (method === 'tools/call' && params.name === 'run') run(params.arguments.argv, answer);
  else if (method === 'tools/call') answer({ content: [{ type: 'text', text: JSON.stringify(listed) }] });
});

function run([program, ...args], answer) {
  const chunks = [];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => chunks.push(chunk));
  child.on('close', (exitCode) => {
    answer({ content: [{ type: 'text', text: JSON.stringify({ exitCode, output: String(Buffer.concat(chunks)) }) }] });
  });
}
