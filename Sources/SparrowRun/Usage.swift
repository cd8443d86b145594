/// What --help prints.
enum Usage {
  /// `hasModel`: of a program that carries its model.
  static func text(hasModel: Bool) -> String {
    (hasModel ? "Runs the model that this program carries.\n\nUSAGE: app [OPTIONS]" : ownHead)
      + options
  }

  private static var ownHead: String {
    """
    Runs a .sparrow model: sparrow compress makes one, sparrow bundle one that carries this program.

    USAGE: sparrow-run MODEL.sparrow [OPTIONS]
    """
  }

  private static var options: String {
    """


    WHAT IT DOES (default: runs once, and sums up the outputs)
      --benchmark             Time runs.
      --describe              Tell what the model takes and gives, and how much it holds.
      --stream                Run for each set of inputs that standard input brings: npy arrays, one an
                              input, again and again until it ends. Outputs go to standard output
                              likewise. With --raw both are elements alone.

    INPUTS AND OUTPUTS
      -i, --input NAME=FILE   An input from FILE.npy, FILE.npz:KEY, any other FILE of its elements alone, or
                              - (standard input: an npy array, or with --raw elements). May be repeated.
                              Default: random numbers, the same every time.
      --input-shapes NAME:1,3,224,224
                              An input's shape where the model leaves it open.
      -b, --batch N           The batch of random inputs, where the model leaves it open.
      -o, --output FILE       Write the outputs to FILE.npz, to FILE.npy where there is one, as elements
                              alone to any other FILE, or to - (standard output: npy, or with --raw elements).
      --raw                   Standard input and output are elements alone, in the order of memory.

    OPTIONS
      --threads N             Threads that compute (default: one a CPU).
      -t, --time SECONDS      Of --benchmark (default: 5).
      -w, --warmup SECONDS    Runs before those that are timed (default: 1).
      --json FILE             Write the benchmark's figures as JSON.
      --profile               Also show what each step takes.
      --tuning off|quick|full How kernels are chosen: by a cost model (default), or by timing them.
      --no-skip               Compute channels that gates close as well.
      -q, --quiet             Print errors only.
      --version, -h, --help

    SPARROW_ISA=scalar|avx2|avx512|neon in the environment caps the instructions that are used. Exit status:
    0 done; 2 bad usage or bad input.
    """
  }
}
