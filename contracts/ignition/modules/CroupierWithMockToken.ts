import { buildModule } from '@nomicfoundation/ignition-core';

/**
 * A mock token, which anyone mints, with Treasury and BetBook over it: for development chains only.
 * Parameters: `decimals` of the token, and `noticeS` as in `Croupier`.
 */
export default buildModule('CroupierWithMockToken', (m) => {
  const token = m.contract('MockToken', [m.getParameter<number>('decimals', 2)]);
  const treasury = m.contract('Treasury', [token]);
  const betBook = m.contract('BetBook', [treasury, m.getParameter<number>('noticeS', 60)]);
  return { token, treasury, betBook };
});
