export * from './mount-mcp.ts';
export * from './tool.ts';
