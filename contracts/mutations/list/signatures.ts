import { mutationsOf } from '../mutation.ts';

export const signatureMutations = mutationsOf('Signatures.sol', 'seats', [
  {
    name: 'a signature counts on both sides of a chain split',
    breaks: ['I16'],
    find: 'block.chainid == CACHED_CHAIN_ID && address(this) == CACHED_THIS',
    replace: 'address(this) == CACHED_THIS',
    kills: 'campaign/Signatures',
  },
  {
    name: 'the desk’s signatures are the book’s',
    breaks: ['I16'],
    find: 'block.chainid == CACHED_CHAIN_ID && address(this) == CACHED_THIS',
    replace: 'block.chainid == CACHED_CHAIN_ID',
  },
  {
    name: 'anyone’s key signs for anyone',
    breaks: ['I14', 'I16', 'role: player'],
    find: 'return err == ECDSA.RecoverError.NoError && recovered == signer;',
    replace: 'signer; return err == ECDSA.RecoverError.NoError && recovered != address(0);',
  },
  {
    name: 'a signature that is none signs for the zero address',
    breaks: ['I14', 'I16'],
    find: 'return err == ECDSA.RecoverError.NoError && recovered == signer;',
    replace: 'err; return recovered == signer;',
    kills: 'treasury',
  },
  {
    name: 'contract accounts cannot sign a grant',
    breaks: ['R2'],
    find: 'if (signer.code.length == 0) return false;',
    replace: 'return false;',
  },
  {
    name: 'whatever a contract account answers is a yes',
    breaks: ['R2', 'I16'],
    find: 'abi.decode(answer, (bytes32)) == bytes32(IERC1271.isValidSignature.selector);',
    replace: 'abi.decode(answer, (bytes32)) != 0;',
  },
]);
