/** So many places; whoever finds none waits in line. */
export interface Slots {
  /** Runs `work` in a place, which is free again when the work is over, however it ends. */
  within<T>(work: () => Promise<T>): Promise<T>;
}

/** `count` places, at least 1. The line is as long as the caller makes it. */
export function createSlots(count: number): Slots {
  let free = count;
  const line: (() => void)[] = [];
  const enter = async (): Promise<void> => {
    if (free > 0) {
      free -= 1;
      return;
    }
    await new Promise<void>((resolve) => line.push(resolve));
  };
  const leave = (): void => {
    const next = line.shift();
    if (next) next();
    else free += 1;
  };
  return {
    within: async (work) => {
      await enter();
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}
