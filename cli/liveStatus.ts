/** What a person wants to see of a running stack. Counts are bets unless named otherwise. */
export interface Figures {
  readonly accepted: number;
  readonly refused: number;
  readonly landed: number;
  readonly rejected: number;
  readonly final: number;
  /** Over the last interval. */
  readonly betsPerSecond: number;
  /** Gas of the landed batches over the bets that landed. */
  readonly gasPerBet: number;
  readonly lag: {
    /** Accepted actions that wait for a number or a transaction. */
    readonly executorActions: number;
    readonly indexerBlocks: number;
    readonly warehouseSteps: number;
    readonly busSteps: number;
    readonly mirrorMessages: number;
  };
}

export interface LiveStatus {
  /** Shows `figures`; on a terminal in place of the last ones, elsewhere as a line. */
  show(figures: Figures, phase: string): void;
  /** A sentence that stays, above the figures. */
  say(sentence: string): void;
  /** Leaves the last figures standing. */
  end(): void;
}

const LINE_INTERVAL_MS = 10_000;

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');

/** The figures as lines of text. */
export function formatFigures(figures: Figures, phase: string): string[] {
  const { lag } = figures;
  return [
    `  bets      accepted ${whole(figures.accepted)} · landed ${whole(figures.landed)} · final ${whole(figures.final)}` +
      ` · refused ${whole(figures.refused)} · rejected ${whole(figures.rejected)}`,
    `  speed     ${figures.betsPerSecond.toFixed(1)} bets/s · ${whole(figures.gasPerBet)} gas a bet`,
    `  waiting   executor ${whole(lag.executorActions)} actions · indexer ${whole(lag.indexerBlocks)} blocks` +
      ` · warehouse ${whole(lag.warehouseSteps)} steps · bus ${whole(lag.busSteps)} steps · mirror ${whole(lag.mirrorMessages)} messages`,
    `  ${phase}`,
  ];
}

/**
 * A calm live status: four lines that change in place on a terminal, one line per ten seconds
 * elsewhere.
 */
export function createLiveStatus(args: {
  stream: NodeJS.WriteStream;
  nowMs: () => number;
}): LiveStatus {
  const { stream } = args;
  const inPlace = stream.isTTY === true;
  let drawn = 0;
  let lastLineMs = Number.NEGATIVE_INFINITY;
  let lastPhase = '';
  let last: { figures: Figures; phase: string } | undefined;

  const erase = (): void => {
    if (drawn > 0) stream.write(`\x1b[${drawn}A\x1b[0J`);
    drawn = 0;
  };
  const draw = (): void => {
    if (!last) return;
    const lines = formatFigures(last.figures, last.phase);
    // Cut at the width of the terminal: a wrapped line would break the way back up.
    const width = stream.columns ?? 80;
    for (const line of lines) stream.write(`${line.slice(0, width - 1)}\n`);
    drawn = lines.length;
  };

  return {
    show(figures, phase) {
      last = { figures, phase };
      if (inPlace) {
        erase();
        draw();
      } else if (phase !== lastPhase || args.nowMs() - lastLineMs >= LINE_INTERVAL_MS) {
        if (phase !== lastPhase) stream.write(`${phase}\n`);
        lastPhase = phase;
        lastLineMs = args.nowMs();
        stream.write(
          `${formatFigures(figures, phase)
            .slice(0, 2)
            .map((line) => line.trim())
            .join(' | ')}\n`,
        );
      }
    },
    say(sentence) {
      erase();
      stream.write(`${sentence}\n`);
      if (inPlace) draw();
    },
    end() {
      if (inPlace) {
        erase();
        draw();
      }
      drawn = 0;
    },
  };
}
