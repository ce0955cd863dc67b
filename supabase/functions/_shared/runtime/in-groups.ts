/** What comes within this time is one call. */
const PAUSE_MS = 20;

/**
 * Makes one call of many: `send` gets all inputs that came during a pause, or while its last call was under way, and returns
 * their answers in the same order.
 */
export function inGroups<Input, Answer>(
  pause: (milliseconds: number) => Promise<void>,
  send: (inputs: Input[]) => Promise<Answer[]>,
): (input: Input) => Promise<Answer> {
  let waiting: { input: Input; answer: PromiseWithResolvers<Answer> }[] = [];
  let sending = false;

  async function sendAll(): Promise<void> {
    sending = true;
    while (waiting.length > 0) {
      await pause(PAUSE_MS);
      const group = waiting;
      waiting = [];
      await sendGroup(group);
    }
    sending = false;
  }

  async function sendGroup(group: typeof waiting): Promise<void> {
    try {
      const answers = await send(group.map(({ input }) => input));
      if (answers.length !== group.length) throw new Error(`${answers.length} answers to ${group.length} inputs`);
      answers.forEach((answer, index) => group[index]?.answer.resolve(answer));
    } catch (error) {
      for (const { answer } of group) answer.reject(error);
    }
  }

  return (input) => {
    const answer = Promise.withResolvers<Answer>();
    waiting.push({ input, answer });
    if (!sending) void sendAll();
    return answer.promise;
  };
}
