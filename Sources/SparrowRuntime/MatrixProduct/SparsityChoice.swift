import SparrowCore

/// What multiplies by a constant weight.
enum WeightKernel: Hashable {
  case dense
  case sparse(SparseMatrix.Kind)
}

/// Which kernel suits a weight, by its density, by how full its blocks are, and by how many columns
/// (pixels, tokens) it multiplies.
///
/// The estimated time of a sparse kernel, as a part of the dense one's, is
///
/// ```
/// entries / elements * entry / dense  +  8 / columns of the weight  +  8 / rows
/// entry   cycles for v cache lines of columns in t tiles: 0.55 v + 0.8 t single, 2 v + t / 2 4x1,
///         2 v + 5/2 t 1x4
/// dense   cycles for an element: columns / 32, and those of 8 where it waits for weights
/// ```
///
/// since it loads and stores each result, and packs each input, however few entries there are. The
/// figures fit 740 layers of five networks at 50 to 95 % sparsity on AVX-512: half of the estimates
/// were within 12 % of what was measured, nine of ten within 30 %.
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

  /// For a rows x (inputs * positions) matrix that multiplies `columns` columns; `forced` is chosen
  /// where it applies.
  init(
    _ weights: WeightNonzeros, inputs: Int, positions: Int, columns: Int, forced: WeightKernel?
  ) {
    let times = EntryTimes(columns: columns)
    self.init(
      SparsityChoice.candidates(weights, inputs: inputs, positions: positions, times),
      forced: forced)
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
    _ weights: WeightNonzeros, inputs: Int, positions: Int, _ times: EntryTimes
  ) -> [Candidate] {
    let elements = weights.rows * weights.columns
    guard isSparse(weights) else { return [dense] }
    let (rows, columns) = (Double(weights.rows), Double(weights.columns))
    let overhead = resultCost / columns + inputCost / rows
    func sparse(_ kind: SparseMatrix.Kind, _ entries: Int) -> Candidate {
      Candidate(
        kernel: .sparse(kind),
        cost: times.cost(kind) * Double(entries) / Double(elements) + overhead, entries: entries)
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

  /// The time of a stored entry where there is one vector: bound by memory, 6 bytes instead of 4.
  private static var vectorEntryCost: Double { 1.5 }

  /// The times of a result and of an input, of a dense weight's.
  private static var resultCost: Double { 8 }
  private static var inputCost: Double { 8 }

  /// Blocks with any weight that is not zero.
  private static func blocks(
    _ weights: WeightNonzeros, _ kind: SparseMatrix.Kind, _ positions: Int
  ) -> Int {
    let entries = SparseEntries(weights, kind: kind, positions: positions)
    var total = 0
    for group in 0..<weights.rows.dividedUp(by: kind.groupRows) {
      total += entries.count(group, 0, weights.columns)
    }
    return total
  }
}

/// What an entry takes in each kernel, of an element's time in the dense one.
private struct EntryTimes {
  /// Cache lines of columns, and tiles of about five.
  let lines: Double
  let tiles: Double
  /// Cycles of an element in the dense kernel.
  let dense: Double

  init(columns: Int) {
    let lines = (max(1, columns) + 15) / 16
    self.lines = Double(lines)
    tiles = Double((lines + 4) / 5)
    dense = Double(max(8, columns)) / 32
  }

  func cost(_ kind: SparseMatrix.Kind) -> Double {
    switch kind {
    case .single: (0.55 * lines + 0.8 * tiles) / dense
    case .block4x1: (2 * lines + 0.5 * tiles) / dense
    case .block1x4: (2 * lines + 2.5 * tiles) / dense
    }
  }
}
