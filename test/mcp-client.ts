// The MCP client of the tests: the reference implementation, not one of ours.

export { Client } from '@modelcontextprotocol/client';
export { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
