import SparrowCore
import SparrowPasses

extension Graph {
  /// The same graph with every floating-point constant in the smallest storage that keeps it exactly:
  /// dense, bitmask, compressed rows, or blocks of `blockShape` where it is given.
  ///
  /// Storage changes how a tensor is kept, never what it holds (negative zeros become positive).
  public func encodingWeights(blockShape: BlockShape? = nil) -> Graph {
    var result = self
    let views = Dictionary(
      weights().map { ($0.value, $0.view) }, uniquingKeysWith: { first, _ in first })
    let candidates = values.indices.filter { values[$0].constant?.dtype.isFloatingPoint == true }
    let encoded = Parallel.map(candidates.count) { i in
      values[candidates[i]].constant?.smallestStorage(
        view: views[ValueID(candidates[i])], blocks: blockShape.map { ($0.outputs, $0.inputs) })
    }
    for (i, tensor) in zip(candidates, encoded) { result.values[i].constant = tensor }
    return result
  }
}
