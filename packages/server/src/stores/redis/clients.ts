/**
 * The part of a client that the store uses: an ioredis `Redis` or `Cluster`, or what `createClient` or
 * `createCluster` of node-redis gives. The caller connects and closes it.
 */
export type RedisClient = IoredisClient | NodeRedisClient | NodeRedisCluster;

interface IoredisClient {
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

interface NodeRedisClient {
  readonly isReady: boolean;
  sendCommand(args: readonly string[]): Promise<unknown>;
}

interface NodeRedisCluster {
  readonly isOpen: boolean;
  readonly masters: readonly unknown[];
  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean | undefined,
    args: string[],
  ): Promise<unknown>;
}

/** One way to speak to both clients. */
export interface Connection {
  readonly cluster: boolean;
  /** It writes at the end of a turn of the event loop. */
  readonly writesLater: boolean;
  isReady(): boolean;
  /** Sends a command to the server that has the key. */
  send(key: string, args: readonly string[]): Promise<unknown>;
  /**
   * Sends commands that touch one key one after the other to one server; what one is refused with
   * stands in its place. `null` where the client cannot.
   */
  readonly sendTogether:
    | ((commands: readonly (readonly string[])[]) => Promise<readonly unknown[]>)
    | null;
  /** What `INFO` says, of each master of a cluster. */
  infos(): Promise<readonly unknown[]>;
}

/** @throws TypeError if it is neither client */
export function connectionOf(client: RedisClient): Connection {
  const has = (name: string) => typeof client === 'object' && client !== null && name in client;
  if (has('call') && has('status')) return ofIoredis(client as IoredisClient);
  if (has('sendCommand') && has('masters')) return ofNodeCluster(client as NodeRedisCluster);
  if (has('sendCommand') && has('isReady')) return ofNodeRedis(client as NodeRedisClient);
  throw new TypeError('client must be a client of ioredis or of redis (node-redis)');
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
    send: (_, args) => call(client, args),
    sendTogether: async (commands) => {
      const pipeline = client.pipeline();
      for (const [name = '', ...args] of commands) pipeline.call(name, args);
      return ((await pipeline.exec()) ?? []).map(([error, reply]) => error ?? reply);
    },
    infos: () => Promise.all(nodes().map((node) => call(node, ['INFO']))),
  };
}

function ofNodeRedis(client: NodeRedisClient): Connection {
  return {
    cluster: false,
    writesLater: true,
    isReady: () => client.isReady,
    send: (_, args) => client.sendCommand(args),
    sendTogether: (commands) =>
      Promise.all(
        commands.map((args) => client.sendCommand(args).catch((error: unknown) => error)),
      ),
    infos: async () => [await client.sendCommand(['INFO'])],
  };
}

function ofNodeCluster(client: NodeRedisCluster): Connection {
  const nodeClient = (client as { nodeClient?: (node: unknown) => unknown }).nodeClient;
  return {
    cluster: true,
    // Its commands go one by one.
    writesLater: false,
    isReady: () => client.isOpen,
    send: (key, args) => client.sendCommand(key, false, [...args]),
    // It follows a redirection of each command by itself.
    sendTogether: null,
    infos: () =>
      Promise.all(
        client.masters.map(async (master) => {
          const node = (await nodeClient?.call(client, master)) as NodeRedisClient;
          return node.sendCommand(['INFO']);
        }),
      ),
  };
}
