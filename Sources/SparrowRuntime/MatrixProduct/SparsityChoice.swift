import SparrowCore

/// What multiplies by a constant weight.
enum WeightKernel: Hashable {
  case dense
  case sparse(SparseMatrix.Kind)
}

/// Which kernel suits a weight, by its density and by how full its blocks are.
///
/// The estimated time of a sparse kernel, as a part of the dense one's, is
///
/// ```
/// entries / elements * (time of an entry) + 10 / columns + 6 / rows
/// ```
///
/// since it loads and stores each result, and packs each input, however few entries there are. The
/// figures fit 740 layers of five networks at 50 to 95 % sparsity on AVX-512: half of the estimates
/// were within 13 % of what was measured, nine of ten within 30 %.
public struct SparsityChoice {
  /// Above this density a dense product is faster.
  public static var densityLimit: Double { 0.6 }

  /// A kernel that can compute the product, and its estimated time.
  struct Candidate {
    let kernel: WeightKernel
    /// Of the dense kernel's time.
    let cost: Double
    /// Stored entries; 0 for dense.
    let entries: Int
  }

  /// All that apply, the cheapest first. Never empty.
  let candidates: [Candidate]
  /// nil: dense.
  let kind: SparseMatrix.Kind?
  /// Stored entries of that kind.
  let entries: Int

  /// For a rows x (inputs * positions) matrix; `forced` is chosen where it applies.
  init(_ weights: WeightNonzeros, inputs: Int, positions: Int, forced: WeightKernel?) {
    self.init(
      SparsityChoice.candidates(weights, inputs: inputs, positions: positions), forced: forced)
  }

  /// For a matrix times one vector, which has no tile that blocks could share.
  init(vector weights: WeightNonzeros, forced: WeightKernel?) {
    let elements = weights.rows * weights.columns
    var found = [SparsityChoice.dense]
    if SparsityChoice.isSparse(weights) {
      let cost = SparsityChoice.vectorEntryCost * Double(weights.count) / Double(elements)
      found.append(
        Candidate(kernel: .sparse(.single), cost: cost, entries: weights.count))
    }
    self.init(found, forced: forced)
  }

  private init(_ found: [Candidate], forced: WeightKernel?) {
    candidates = found.sorted { $0.cost < $1.cost }
    let chosen = candidates.first { $0.kernel == forced } ?? candidates[0]
    if case .sparse(let kind) = chosen.kernel { self.kind = kind } else { kind = nil }
    entries = chosen.entries
  }

  private static var dense: Candidate { Candidate(kernel: .dense, cost: 1, entries: 0) }

  private static func isSparse(_ weights: WeightNonzeros) -> Bool {
    let elements = weights.rows * weights.columns
    return elements >= 256 && Double(weights.count) <= densityLimit * Double(elements)
  }

  private static func candidates(
    _ weights: WeightNonzeros, inputs: Int, positions: Int
  ) -> [Candidate] {
    let elements = weights.rows * weights.columns
    guard isSparse(weights) else { return [dense] }
    let (rows, columns) = (Double(weights.rows), Double(weights.columns))
    let overhead = resultCost / columns + inputCost / rows
    func sparse(_ kind: SparseMatrix.Kind, _ entries: Int) -> Candidate {
      Candidate(
        kernel: .sparse(kind),
        cost: entryCost(kind) * Double(entries) / Double(elements) + overhead, entries: entries)
    }
    var found = [
      dense, sparse(.single, weights.count),
      sparse(.block4x1, blocks(weights, .block4x1, positions)),
    ]
    if inputs % 4 == 0, positions <= 25 {
      found.append(sparse(.block1x4, blocks(weights, .block1x4, positions)))
    }
    return found
  }

  /// The time of a stored entry, of a dense weight's.
  private static func entryCost(_ kind: SparseMatrix.Kind) -> Double {
    switch kind {
    case .single: 1.6
    case .block4x1: 4.1
    case .block1x4: 5.4
    }
  }

  /// As above for one vector: bound by memory, 6 bytes an entry instead of 4.
  private static var vectorEntryCost: Double { 1.5 }

  /// The times of a result and of an input, of a dense weight's.
  private static var resultCost: Double { 10 }
  private static var inputCost: Double { 6 }

  /// Blocks with any weight that is not zero.
  private static func blocks(
    _ weights: WeightNonzeros, _ kind: SparseMatrix.Kind, _ positions: Int
  ) -> Int {
    let entries = SparseEntries(weights, kind: kind, positions: positions)
    var total = 0
    for group in 0..<((weights.rows + kind.groupRows - 1) / kind.groupRows) {
      total += entries.count(group, 0, weights.columns)
    }
    return total
  }
}
