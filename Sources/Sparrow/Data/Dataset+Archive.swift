import SparrowCore
import SparrowFormats

extension Dataset {
  /// Reads the arrays that `keys` names, or of a `split` that is asked for, or else of those that
  /// `purpose` looks for, and then of an array `input` with labels `labels`: the first that the file
  /// has with labels, or the first without.
  init(
    archive path: String, keys: Keys?, purpose: Purpose, split: Split?, input: String?
  ) throws(SparrowError) {
    guard keys == nil || split == nil else {
      throw .badSetting("--keys and --split exclude each other: both say which arrays are taken")
    }
    var wanted = split.map { [$0.keys] } ?? purpose.knownKeys
    if let input, split == nil { wanted.append(Keys(samples: input, labels: "labels")) }
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
    let integers = try labels.map { (tensor) throws(SparrowError) in
      try Self.integers(tensor, samples, chosen, path)
    }
    self.init(samples: samples.dense(), labels: integers, path: path, keys: chosen)
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
