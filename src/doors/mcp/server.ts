// One MCP server instance: what it says of itself, the list of its tools, and how a call becomes a result. The SDK may
// make two of them for one connection (a probe, then the real one), so it keeps no state.

import {
  type CallToolResult,
  CLIENT_INFO_META_KEY,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type ServerContext,
  type Tool as ListedTool,
} from '@modelcontextprotocol/server';
import * as z from 'zod';
import { Failure } from '../../core/failure.ts';
import { VERSION } from '../../core/version.ts';
import { parseArguments } from './arguments.ts';
import type { Authority } from './link.ts';
import { resultOf, resultOfFailure } from './results.ts';
import { tools, type Tool } from './tools.ts';

/** At most 2 KB: clients cut longer ones. */
export const INSTRUCTIONS = `Keystile lets you use credentials you never see. A human approves each use.

- Values are never shown to you, and no tool takes one. Do not ask the human to paste a secret into the chat, do not look \
for it in files, and do not try to print or encode one: output is masked.
- To use a secret: list_environments, list_variables, then run_with_credentials with argv and one honest sentence as \
reason. The program finds the values in its environment variables. Ask for the variables it needs and no more.
- A program that wants a .env: create_local_env_file, then start the program yourself. The human is asked about each \
program that opens the file; you reading it is refused. An existing .env: import_env_file.
- A new secret: append_variables with only its name, and ask the human to fill it in with "keystile environment set", or \
with generate for one that nobody has to know.
- status "approval_pending": the human has not answered yet. Call check_request with the requestId and waitSeconds 45, \
until the status is another one. Do not ask for the same thing again meanwhile.
- "denied" or "forbidden": do not work around it. Tell the human what you wanted and why.
- "locked", "not_admitted" or "approver_unavailable": tell the human what message says, and wait.
- Your command runs outside your sandbox, without a shell, with a clean environment. What it does is shown to the human \
as argv, so prefer a plain command to a script of your own.
`;

/** `onClientName` hears what the client calls itself. It proves nothing (I7). */
export function makeServer(authority: Authority, onClientName: (name: string) => void): Server {
  const server = new Server(
    { name: 'keystile', title: 'Keystile', version: VERSION },
    { capabilities: { tools: {} }, instructions: INSTRUCTIONS },
  );
  server.setRequestHandler('tools/list', () => ({ tools: listedTools() }));
  server.setRequestHandler('tools/call', async (request, context) => {
    const { name, arguments: given } = request.params;
    const tool = tools().find((tool) => tool.name === name);
    if (tool === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'there is no such tool');
    const clientName = clientNameOf(server, context);
    if (clientName !== undefined) onClientName(clientName);
    return callTool(tool, given ?? {}, authority, context.mcpReq.signal);
  });
  return server;
}

/** Nothing thrown passes by here: the SDK would hand its message to the model. */
async function callTool(
  tool: Tool,
  given: unknown,
  authority: Authority,
  signal: AbortSignal,
): Promise<CallToolResult> {
  try {
    const args = parseArguments(tool.input, given);
    return resultOf(tool.output, await tool.call(authority, args, signal));
  } catch (error) {
    return resultOfFailure(Failure.from(error));
  }
}

/** The 2026 era names the client in every request, the older one once. */
function clientNameOf(server: Server, context: ServerContext): string | undefined {
  const info: unknown = Object.entries(context.mcpReq.envelope ?? {}).find(
    ([key]) => key === CLIENT_INFO_META_KEY,
  )?.[1];
  const { name } = { ...server.getClientVersion(), ...(typeof info === 'object' ? info : null) };
  return typeof name === 'string' ? name : undefined;
}

let listed: ListedTool[] | null = null;

/** The tools as the protocol lists them. */
export function listedTools(): ListedTool[] {
  listed ??= tools().map(({ name, description, annotations, input, output }) => ({
    name,
    description,
    annotations,
    inputSchema: jsonSchema(input, 'input'),
    outputSchema: jsonSchema(output, 'output'),
  }));
  return listed;
}

/**
 * What a client needs to make a call and to read an answer. The rest would only cost every model room: lengths, which a
 * call that passes them is told about; and of answers all but the shape, since they are stripped to the members they name.
 */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): ListedTool['inputSchema'] {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    override: ({ jsonSchema, path }) => {
      if (io === 'input') {
        delete jsonSchema.maxLength;
        delete jsonSchema.propertyNames;
        return;
      }
      delete jsonSchema.additionalProperties;
      delete jsonSchema.enum;
      if (path.length > 0) delete jsonSchema.required;
    },
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every tool's schemas are objects; a test checks it
  return json as ListedTool['inputSchema'];
}
