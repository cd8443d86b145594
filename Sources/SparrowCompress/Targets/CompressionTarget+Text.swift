extension CompressionTarget {
  /// A target from text: `flops` and `0.3x`. Throws ``CompressError/badTarget(kind:found:)`` where the
  /// amount is not written as ``TargetKind/spelling`` says.
  public init(_ kind: TargetKind, _ text: String) throws(CompressError) {
    switch kind {
    case .sparsity:
      guard let sparsity = Double(text) else { throw .badTarget(kind: kind, found: text) }
      try self.init(sparsity: sparsity)
    case .multiplyAdds: self = .multiplyAdds(try TargetAmount(text, of: kind))
    case .fileSize: self = .fileSize(try TargetAmount(text, of: kind))
    case .latency: self = .latency(try TargetAmount(text, of: kind))
    }
  }

  /// Throws ``CompressError/badSparsity(found:place:)`` unless it is from 0 up to 1.
  public init(sparsity: Double) throws(CompressError) {
    guard (0..<1).contains(sparsity) else {
      throw .badSparsity(found: sparsity, place: "the sparsity")
    }
    self = .sparsity(sparsity)
  }
}

extension TargetAmount {
  /// `0.3x`, or a number and one of the kind's units in any case.
  init(_ text: String, of kind: TargetKind) throws(CompressError) {
    let trimmed = text.filter { !$0.isWhitespace }
    let end = trimmed.firstIndex { !($0.isASCII && ($0.isNumber || ".+-_".contains($0))) }
    let digits = trimmed[..<(end ?? trimmed.endIndex)].filter { $0 != "_" }
    let unit = trimmed[(end ?? trimmed.endIndex)...].lowercased()
    guard let number = Double(digits), number.isFinite, number > 0 else {
      throw .badTarget(kind: kind, found: text)
    }
    if unit == "x" {
      guard number <= 1 else { throw .badTarget(kind: kind, found: text) }
      self = .fraction(number)
    } else if let known = kind.units.first(where: { $0.name.lowercased() == unit }) {
      self = .absolute(number * known.scale)
    } else {
      throw .badTarget(kind: kind, found: text)
    }
  }

  /// As it is parsed: with the largest unit that leaves at most three decimals.
  func text(_ kind: TargetKind) -> String {
    switch self {
    case .fraction(let fraction): return "\(fraction)x"
    case .absolute(let value):
      for (name, scale) in kind.units where value >= scale {
        let number = value / scale
        let rounded = (number * 1000).rounded() / 1000
        if abs(rounded - number) <= 1e-9 * number { return Self.plain(rounded) + name }
      }
      // A whole number of the smallest unit says it exactly enough.
      let smallest = kind.units.min { $0.scale < $1.scale } ?? ("", 1)
      return Self.plain((value / smallest.scale * 1000).rounded() / 1000) + smallest.name
    }
  }

  private static func plain(_ number: Double) -> String {
    Int(exactly: number).map { "\($0)" } ?? "\(number)"
  }
}

extension CompressionTarget: Codable {
  /// `{flops: 0.3x}`: one kind and its amount, which may be a plain number where that has a meaning.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: KindKey.self)
    func fault(_ reason: String) -> DecodingError {
      DecodingError.dataCorrupted(
        DecodingError.Context(codingPath: decoder.codingPath, debugDescription: reason))
    }
    let known = TargetKind.allCases.map { $0.rawValue }.joined(separator: ", ")
    guard let key = container.allKeys.first, container.allKeys.count == 1 else {
      throw fault("found \(container.allKeys.count) kinds of target, expected one of \(known)")
    }
    guard let kind = TargetKind(rawValue: key.stringValue) else {
      throw fault("there is no target '\(key.stringValue)', expected one of \(known)")
    }
    let text: String
    if let number = try? container.decode(Double.self, forKey: key) {
      text = "\(number)"
    } else {
      text = try container.decode(String.self, forKey: key)
    }
    do throws(CompressError) {
      try self.init(kind, text)
    } catch {
      throw fault(error.message)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: KindKey.self)
    let key = KindKey(stringValue: kind.rawValue)
    switch self {
    case .sparsity(let sparsity): try container.encode(sparsity, forKey: key)
    case .multiplyAdds, .fileSize, .latency: try container.encode(text, forKey: key)
    }
  }
}

/// Any key, so that a mistyped kind can be named.
private struct KindKey: CodingKey {
  var stringValue: String
  var intValue: Int? { nil }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
