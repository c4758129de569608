import type { PlayUnit } from './unit.ts';

/** What the header of a run says of its items. */
export type RunMember = Pick<PlayUnit, 'player' | 'bank'>;

/** Adjacent members with the same player and bank share a run, at most `itemsMax` together. */
export function runsOf<Member extends RunMember>(
  members: readonly Member[],
  itemsMax: number,
): Member[][] {
  const runs: Member[][] = [];
  let run: Member[] = [];
  for (const member of members) {
    const head = run[0];
    const fits =
      head !== undefined &&
      run.length < itemsMax &&
      head.bank === member.bank &&
      samePlayer(head.player, member.player);
    if (!fits) {
      run = [];
      runs.push(run);
    }
    run.push(member);
  }
  return runs;
}

/** Addresses as bytes: the case of their letters does not count. */
export function samePlayer(one: PlayUnit['player'], other: PlayUnit['player']): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
