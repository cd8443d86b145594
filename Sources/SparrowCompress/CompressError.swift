/// Why a graph cannot be compressed as asked.
public enum CompressError: Error, Equatable {
  /// A criterion, allocation, pattern, repair or schedule of that name does not exist.
  case unknownChoice(kind: String, name: String, available: [String])
  /// A sparsity outside its range.
  case badSparsity(found: Double, place: String)
  /// A name or glob that no weight matches.
  case noSuchWeight(glob: String, closest: [String])
  /// No weight is left to prune.
  case nothingToPrune(reason: String)
  /// An allocation cannot reach the target.
  case unreachable(allocation: String, reason: String)
  /// An amount that is not written as its kind of target wants it.
  case badTarget(kind: TargetKind, found: String)
  /// A target below what pruning can reach; `least` is the lowest that it can.
  case unreachableTarget(target: String, least: String, kind: TargetKind)
  /// A network's latency or file size cannot be measured.
  case measuring(String)
  /// Two settings exclude each other.
  case conflict(String)
  /// A choice needs calibration statistics that were not given.
  case missingStatistics(choice: String, statistics: [String])
  /// The system's linear algebra library cannot be loaded.
  case noLinearAlgebra(String)
  /// Activations beyond the memory budget could not be written to files.
  case spill(folder: String)
  /// The calibration data does not fit the network, or running it failed.
  case calibration(String)
  /// A choice does not work on a layer.
  case unsupportedLayer(name: String, reason: String)
  /// Channels that cannot be cut as asked.
  case badCut(reason: String)

  public var message: String {
    switch self {
    case .unknownChoice(let kind, let name, let available):
      "there is no \(kind) '\(name)'; available: \(available.joined(separator: ", "))"
    case .badSparsity(let found, let place):
      "\(place) is \(found), expected a fraction from 0 up to, but not including, 1"
    case .noSuchWeight(let glob, let closest):
      "'\(glob)' matches no weight and no node"
        + (closest.isEmpty ? "" : "; the closest names are \(closest.joined(separator: ", "))")
    case .nothingToPrune(let reason): "there is nothing to prune: \(reason)"
    case .unreachable(let allocation, let reason):
      "allocation \(allocation) cannot reach the target: \(reason)"
    case .badTarget(let kind, let found):
      "the target of \(kind.name) is '\(found)', expected \(kind.spelling)"
    case .unreachableTarget(let target, let least, let kind):
      "a \(kind.name) of \(target) cannot be reached; the least that pruning these layers gives is "
        + least
    case .measuring(let reason): "the network cannot be measured: \(reason)"
    case .conflict(let reason): reason
    case .missingStatistics(let choice, let statistics):
      "\(choice) needs \(statistics.joined(separator: " and ")); give calibration data"
    case .noLinearAlgebra(let reason):
      "methods that solve for weights need OpenBLAS (Debian: libopenblas0-pthread), but \(reason)"
    case .spill(let folder):
      "activations beyond the memory budget cannot be written to \(folder); "
        + "allow more memory, use fewer samples, or name another folder"
    case .calibration(let reason): "calibration: \(reason)"
    case .unsupportedLayer(let name, let reason): "weight '\(name)': \(reason)"
    case .badCut(let reason): "these channels cannot be cut: \(reason)"
    }
  }
}
