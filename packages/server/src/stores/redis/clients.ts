/**
 * The part of a client that the store uses: an ioredis `Redis` or `Cluster`, or what `createClient`
 * or `createCluster` of node-redis gives. The caller connects and closes it.
 */
export type RedisClient = IoredisClient | NodeRedisClient | NodeRedisCluster;

/** Both libraries report a failed connection by this event. */
interface Emitter {
  on(event: 'error', listener: (error: unknown) => void): unknown;
  off(event: 'error', listener: (error: unknown) => void): unknown;
  listenerCount?(event: 'error'): number;
}

interface IoredisClient extends Emitter {
  readonly status: string;
  readonly isCluster: boolean;
  call(command: string, args: string[]): Promise<unknown>;
  pipeline(): IoredisPipeline;
}

interface IoredisPipeline {
  call(command: string, args: string[]): unknown;
  exec(): Promise<[error: Error | null, reply?: unknown][] | null>;
}

interface IoredisCluster extends IoredisClient {
  nodes(role: 'master'): readonly IoredisClient[];
}

interface NodeRedisClient extends Emitter {
  readonly isReady: boolean;
  sendCommand(args: readonly string[]): Promise<unknown>;
}

interface NodeRedisCluster extends Emitter {
  readonly isOpen: boolean;
  readonly masters: readonly unknown[];
  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean | undefined,
    args: string[],
  ): Promise<unknown>;
}

/** What the store needs of a client, whichever library it is from. */
export interface Connection {
  readonly cluster: boolean;
  /** It writes to its socket at the end of a turn of the event loop. */
  readonly writesLater: boolean;
  isReady(): boolean;
  /** Calls a listener with each failure of the connection. The result removes the listener. */
  onError(listener: (error: unknown) => void): () => void;
  /** Sends a command to the server that has the key. */
  send(key: string, args: readonly string[]): Promise<unknown>;
  /**
   * Sends commands on one key to one server, in order, and returns a reply or an error for each.
   * `null` where the client cannot.
   */
  readonly sendTogether:
    | ((commands: readonly (readonly string[])[]) => Promise<readonly unknown[]>)
    | null;
  /** Sends a command without a key to the server, or to each master that a cluster client knows. */
  sendToMasters(args: readonly string[]): Promise<readonly unknown[]>;
}

/** @throws TypeError if it is neither client */
export function connectionOf(client: RedisClient): Connection {
  const has = (name: string) => typeof client === 'object' && client !== null && name in client;
  if (has('call') && has('status')) return ofIoredis(client as IoredisClient);
  if (has('sendCommand') && has('masters')) return ofNodeCluster(client as NodeRedisCluster);
  if (has('sendCommand') && has('isReady')) return ofNodeRedis(client as NodeRedisClient);
  throw new TypeError('client must be a client of ioredis or of redis (node-redis)');
}

function listen(client: Emitter, listener: (error: unknown) => void): () => void {
  client.on('error', listener);
  return () => {
    client.off('error', listener);
    // The caller closes the client later. Until then an event without a listener would end the
    // process.
    if (client.listenerCount?.('error') === 0) client.on('error', () => undefined);
  };
}

function ofIoredis(client: IoredisClient): Connection {
  const call = (to: IoredisClient, args: readonly string[]) =>
    to.call(args[0] ?? '', args.slice(1));
  const nodes = () =>
    client.isCluster ? (client as IoredisCluster).nodes('master') : ([client] as const);
  return {
    cluster: client.isCluster,
    writesLater: false,
    isReady: () => client.status === 'ready',
    // That of a cluster has its cause in another property.
    onError: (listener) =>
      listen(client, (error) =>
        listener((error as { lastNodeError?: unknown }).lastNodeError ?? error),
      ),
    send: (_, args) => call(client, args),
    sendTogether: async (commands) => {
      const pipeline = client.pipeline();
      for (const [name = '', ...args] of commands) pipeline.call(name, args);
      return ((await pipeline.exec()) ?? []).map(([error, reply]) => error ?? reply);
    },
    sendToMasters: (args) => Promise.all(nodes().map((node) => call(node, args))),
  };
}

function ofNodeRedis(client: NodeRedisClient): Connection {
  return {
    cluster: false,
    writesLater: true,
    isReady: () => client.isReady,
    onError: (listener) => listen(client, listener),
    send: (_, args) => client.sendCommand(args),
    sendTogether: (commands) =>
      Promise.all(
        commands.map((args) => client.sendCommand(args).catch((error: unknown) => error)),
      ),
    sendToMasters: async (args) => [await client.sendCommand(args)],
  };
}

function ofNodeCluster(client: NodeRedisCluster): Connection {
  const nodeClient = (client as { nodeClient?: (node: unknown) => unknown }).nodeClient;
  return {
    cluster: true,
    // It sends each command when it is called.
    writesLater: false,
    isReady: () => client.isOpen,
    onError: (listener) => listen(client, listener),
    send: (key, args) => client.sendCommand(key, false, [...args]),
    // It follows the redirection of each command separately.
    sendTogether: null,
    sendToMasters: (args) =>
      Promise.all(
        client.masters.map(async (master) => {
          const node = (await nodeClient?.call(client, master)) as NodeRedisClient;
          return node.sendCommand(args);
        }),
      ),
  };
}
