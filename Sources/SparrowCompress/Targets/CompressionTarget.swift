/// What a pruning step is to reach.
///
/// Sparsity is a fraction of the weights that may be pruned. The others are of the whole network: what
/// is left alone counts too.
public enum CompressionTarget: Hashable, Sendable {
  /// The fraction of the prunable weights to drop.
  case sparsity(Double)
  /// Multiply-adds on weights that are not zero, of one inference at batch 1.
  case multiplyAdds(TargetAmount)
  /// Bytes of the `.sparrow` file, optimised for running.
  case fileSize(TargetAmount)
  /// Milliseconds of one inference at batch 1 on the machine that compresses.
  case latency(TargetAmount)

  public var kind: TargetKind {
    switch self {
    case .sparsity: .sparsity
    case .multiplyAdds: .multiplyAdds
    case .fileSize: .fileSize
    case .latency: .latency
    }
  }

  /// As it is written in recipes: `0.9`, `0.3x`, `120M`, `1.2MB`, `3ms`.
  public var text: String {
    switch self {
    case .sparsity(let sparsity): "\(sparsity)"
    case .multiplyAdds(let amount), .fileSize(let amount), .latency(let amount):
      amount.text(kind)
    }
  }
}

/// How much is to be left.
public enum TargetAmount: Hashable, Sendable {
  /// Of what the network has before the step: 0.3 keeps three tenths.
  case fraction(Double)
  /// Multiply-adds, bytes or milliseconds.
  case absolute(Double)

  /// The amount where the whole is `whole`.
  public func value(of whole: Double) -> Double {
    switch self {
    case .fraction(let fraction): fraction * whole
    case .absolute(let value): value
    }
  }
}

/// What a target is measured in.
public enum TargetKind: String, CaseIterable, Hashable, Sendable {
  case sparsity
  case multiplyAdds = "flops"
  case fileSize = "size"
  case latency

  /// For messages and reports.
  public var name: String {
    switch self {
    case .sparsity: "sparsity"
    case .multiplyAdds: "multiply-adds"
    case .fileSize: "file size"
    case .latency: "latency"
    }
  }

  /// How an amount of it may be written.
  public var spelling: String {
    switch self {
    case .sparsity: "a fraction from 0 up to, but not including, 1"
    case .multiplyAdds: "a fraction to keep (0.3x) or a count (120M, 1.5G)"
    case .fileSize: "a fraction to keep (0.25x) or a size (1.2MB, 800kB, 3MiB)"
    case .latency: "a fraction to keep (0.5x) or a time (3ms, 250us)"
    }
  }

  /// What may follow a number, and what it multiplies the number by; the largest first of each kind.
  var units: [(name: String, scale: Double)] {
    switch self {
    case .sparsity: []
    case .multiplyAdds: [("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1)]
    case .fileSize:
      [
        ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 1), ("GiB", 1_073_741_824),
        ("MiB", 1_048_576), ("KiB", 1024), ("", 1),
      ]
    case .latency: [("s", 1e3), ("ms", 1), ("us", 1e-3)]
    }
  }
}
