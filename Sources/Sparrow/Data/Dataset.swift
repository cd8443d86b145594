import SparrowCore
import SparrowFormats

/// Samples, and their classes where they are known, from an `.npz` file.
public struct Dataset: Sendable {
  /// The names of arrays in a file.
  public struct Keys: Hashable, Sendable {
    public var samples: String
    /// Nil where no labels are wanted.
    public var labels: String?

    public init(samples: String, labels: String? = nil) {
      (self.samples, self.labels) = (samples, labels)
    }
  }

  /// What the samples are for, which decides the arrays that are looked for.
  public enum Purpose: Sendable {
    /// To measure a model.
    case evaluation
    /// To compress one: what it is measured by stays unseen.
    case calibration

    /// The arrays that are looked for, in order.
    public var knownKeys: [Keys] {
      let first: Keys
      switch self {
      case .evaluation: first = Keys(samples: "x_test", labels: "y_test")
      case .calibration: first = Keys(samples: "x_train", labels: "y_train")
      }
      return [first, Keys(samples: "x", labels: "y"), Keys(samples: "images", labels: "labels")]
    }
  }

  /// The first axis is samples.
  public let samples: Tensor
  /// One a sample; nil where the file has none.
  public let labels: [Int]?
  /// The file, for messages.
  public let path: String
  /// The names the arrays have in the file.
  public let keys: Keys

  public var count: Int { samples.shape.first ?? 0 }

  /// Reads the arrays that `keys` names, or else of those that `purpose` looks for, and then of an
  /// array `input` with labels `labels`: the first that the file has with labels, or the first
  /// without.
  public init(
    path: String, keys: Keys? = nil, purpose: Purpose = .evaluation, input: String? = nil
  ) throws(SparrowError) {
    var wanted = purpose.knownKeys
    if let input { wanted.append(Keys(samples: input, labels: "labels")) }
    let chosen: Keys
    let samples: Tensor
    var labels: Tensor?
    do throws(FormatError) {
      let archive = try NPZArchive(path: path)
      chosen = try Self.choose(archive.names, keys, of: wanted, path)
      samples = try archive.tensor(named: chosen.samples)
      if let name = chosen.labels { labels = try archive.tensor(named: name) }
    } catch {
      throw .format(error)
    }
    guard samples.rank >= 1 else {
      throw .badInput("\(path): \(chosen.samples) is one number, expected samples along an axis")
    }
    self.labels = try labels.map { (tensor) throws(SparrowError) in
      try Self.integers(tensor, samples, chosen, path)
    }
    (self.samples, self.path, self.keys) = (samples.dense(), path, chosen)
  }

  private static func choose(
    _ names: [String], _ keys: Keys?, of wanted: [Keys], _ path: String
  ) throws(FormatError) -> Keys {
    func isThere(_ keys: Keys) -> Bool {
      names.contains(keys.samples) && keys.labels.map { names.contains($0) } ?? true
    }
    let candidates = keys.map { [$0] } ?? wanted + wanted.map { Keys(samples: $0.samples) }
    guard let chosen = candidates.first(where: isThere) else {
      let pairs = (keys.map { [$0] } ?? wanted).map { keys in
        keys.samples + (keys.labels.map { " and \($0)" } ?? "")
      }
      throw .unsupported(
        file: path, offset: nil,
        reason: "it holds \(names.joined(separator: ", ")), expected the arrays "
          + "\(pairs.joined(separator: ", or ")); name them with --keys")
    }
    return chosen
  }

  private static func integers(
    _ labels: Tensor, _ samples: Tensor, _ keys: Keys, _ path: String
  ) throws(SparrowError) -> [Int] {
    guard labels.rank == 1, samples.shape[0] == labels.count, let integers = labels.integers else {
      let types = [samples, labels].map { TensorType($0.dtype, shape: $0.shape).text }
      throw .badInput(
        "\(path): \(keys.samples) is \(types[0]) and \(keys.labels ?? "") is \(types[1]), expected "
          + "one integer label a sample")
    }
    return integers
  }
}
