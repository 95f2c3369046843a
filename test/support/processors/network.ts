type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** The way of several processes to a service, with every request that reached it as a text. */
export function networkTo(service: Fetch) {
  const received: string[] = [];
  return {
    received: (): readonly string[] => received,
    /** The `fetch` of one process. */
    from:
      (beforeCall: () => Promise<void> = async () => undefined): Fetch =>
      async (input, init) => {
        await beforeCall();
        const request = new Request(input, init);
        const { method, url, headers } = request;
        received.push([method, url, ...headers, await request.clone().text()].join('\n'));
        return service(request);
      },
  };
}
