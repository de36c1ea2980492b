/** What differs between the two ABIs of MPI libraries: what handles are, and the values of constants. */
import type { LibraryHandle } from 'koffi';

/** A handle or a pointer as koffi takes it. */
export type Handle = number | bigint;

/** The constants of one ABI. */
export interface Abi {
  readonly name: 'Open MPI' | 'MPICH';
  /** The C type of handles (communicators, types of data, operations, requests). */
  readonly handle: 'void *' | 'int';
  readonly world: Handle;
  readonly float: Handle;
  readonly byte: Handle;
  readonly sum: Handle;
  readonly inPlace: bigint;
  readonly statusIgnore: bigint;
  /** Room for one request, which the library writes. */
  request(): Int32Array | BigUint64Array;
}

/** Handles are pointers to objects of the library, under names that its headers use too. */
const openMpi = (library: LibraryHandle): Abi => ({
  name: 'Open MPI',
  handle: 'void *',
  world: addressOf(library, 'ompi_mpi_comm_world'),
  float: addressOf(library, 'ompi_mpi_float'),
  byte: addressOf(library, 'ompi_mpi_byte'),
  sum: addressOf(library, 'ompi_mpi_op_sum'),
  inPlace: 1n,
  statusIgnore: 0n,
  request: () => new BigUint64Array(1),
});

/** Handles are numbers, the same in all libraries of the MPICH ABI initiative (MPICH, Intel MPI, MVAPICH, Cray MPICH). */
const mpich: Abi = {
  name: 'MPICH',
  handle: 'int',
  world: 0x44000000,
  float: 0x4c00040a,
  byte: 0x4c00010d,
  sum: 0x58000003,
  inPlace: 0xffff_ffff_ffff_ffffn, // (void *) -1
  statusIgnore: 1n,
  request: () => new Int32Array(1),
};

/** Which ABI a library has: only Open MPI has objects of that name. */
export const abiOf = (library: LibraryHandle): Abi =>
  hasSymbol(library, 'ompi_mpi_comm_world') ? openMpi(library) : mpich;

function hasSymbol(library: LibraryHandle, name: string): boolean {
  try {
    library.symbol(name);
    return true;
  } catch {
    return false;
  }
}

const addressOf = (library: LibraryHandle, name: string): Handle => library.symbol(name) as unknown as bigint;
