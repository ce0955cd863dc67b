/**
 * Makes one call of many: `send` gets all inputs that came while its last call was under way, and returns their answers in
 * the same order. So a group is as large as the calls are slow, and a single input waits for nothing.
 */
export function inGroups<Input, Answer>(
  send: (inputs: Input[]) => Promise<Answer[]>,
): (input: Input) => Promise<Answer> {
  let waiting: { input: Input; answer: PromiseWithResolvers<Answer> }[] = [];
  let sending = false;

  async function sendAll(): Promise<void> {
    sending = true;
    // What comes in the same moment belongs to the first group.
    await Promise.resolve();
    while (waiting.length > 0) {
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
