// Decoding is written out so that a mistyped key is an error instead of a silent default.

extension Recipe: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case version, calibration, steps }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.strictContainer(keyedBy: CodingKeys.self)
    try container.checkRecipeVersion(forKey: .version)
    self.init(
      steps: try container.decode([RecipeStep].self, forKey: .steps),
      calibration: try container.decodeIfPresent(CalibrationSettings.self, forKey: .calibration)
        ?? CalibrationSettings())
    guard !steps.isEmpty else {
      throw DecodingError.dataCorruptedError(
        forKey: .steps, in: container, debugDescription: "expected at least one step, found none")
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(version, forKey: .version)
    try container.encode(calibration, forKey: .calibration)
    try container.encode(steps, forKey: .steps)
  }
}

extension RecipeStep: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case prune }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.strictContainer(keyedBy: CodingKeys.self)
    self = .prune(try container.decode(PruneStep.self, forKey: .prune))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .prune(let step): try container.encode(step, forKey: .prune)
    }
  }
}

extension PruneStep: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case sparsity, target, criterion, allocation, pattern, repair, schedule, exclude
    case excludeKinds = "exclude_kinds"
    case layers
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.strictContainer(keyedBy: CodingKeys.self)
    self.init()
    sparsity = try container.decodeIfPresent(Double.self, forKey: .sparsity)
    target = try container.decodeIfPresent(CompressionTarget.self, forKey: .target)
    criterion = try container.decodeIfPresent(String.self, forKey: .criterion) ?? criterion
    allocation = try container.decodeIfPresent(String.self, forKey: .allocation)
    pattern = try container.decodeIfPresent(String.self, forKey: .pattern) ?? pattern
    repair = try Self.names(container, .repair)
    schedule = try container.decodeIfPresent(String.self, forKey: .schedule) ?? schedule
    exclude = try container.decodeIfPresent([String].self, forKey: .exclude) ?? exclude
    layers = try container.decodeIfPresent([LayerOverride].self, forKey: .layers) ?? layers
    if let names = try container.decodeIfPresent([String].self, forKey: .excludeKinds) {
      excludeKinds = Set(try names.map { try Self.layerKind($0, container) })
    }
  }

  /// A name, or a list of names.
  private static func names(
    _ container: KeyedDecodingContainer<CodingKeys>, _ key: CodingKeys
  ) throws -> [String]? {
    if let name = try? container.decodeIfPresent(String.self, forKey: key) { return [name] }
    return try container.decodeIfPresent([String].self, forKey: key)
  }

  private static func layerKind(
    _ name: String, _ container: KeyedDecodingContainer<CodingKeys>
  ) throws -> LayerKind {
    guard let result = LayerKind(rawValue: name) else {
      let known = LayerKind.allCases.map { $0.rawValue }.joined(separator: ", ")
      throw DecodingError.dataCorruptedError(
        forKey: .excludeKinds, in: container,
        debugDescription: "found '\(name)', expected one of \(known)")
    }
    return result
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(sparsity, forKey: .sparsity)
    try container.encodeIfPresent(target, forKey: .target)
    try container.encode(criterion, forKey: .criterion)
    try container.encodeIfPresent(allocation, forKey: .allocation)
    try container.encode(pattern, forKey: .pattern)
    try container.encodeIfPresent(repair, forKey: .repair)
    try container.encode(schedule, forKey: .schedule)
    try container.encode(exclude, forKey: .exclude)
    try container.encode(excludeKinds.map { $0.rawValue }.sorted(), forKey: .excludeKinds)
    try container.encode(layers, forKey: .layers)
  }
}

extension LayerOverride: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case match, sparsity }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.strictContainer(keyedBy: CodingKeys.self)
    self.init(
      match: try container.decode(String.self, forKey: .match),
      sparsity: try container.decode(Double.self, forKey: .sparsity))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(match, forKey: .match)
    try container.encode(sparsity, forKey: .sparsity)
  }
}

extension CalibrationSettings: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case samples, batch, seed, ridge }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.strictContainer(keyedBy: CodingKeys.self)
    self.init()
    samples = try container.decodeIfPresent(Int.self, forKey: .samples)
    batch = try container.decodeIfPresent(Int.self, forKey: .batch) ?? batch
    seed = try container.decodeIfPresent(UInt64.self, forKey: .seed) ?? seed
    ridge = try container.decodeIfPresent(Double.self, forKey: .ridge)
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(samples, forKey: .samples)
    try container.encode(batch, forKey: .batch)
    try container.encode(seed, forKey: .seed)
    try container.encodeIfPresent(ridge, forKey: .ridge)
  }
}

/// Any key, to see those that are not expected.
private struct AnyKey: CodingKey {
  var stringValue: String
  var intValue: Int? { nil }
  init?(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

extension Decoder {
  /// A container that holds no key beyond `Key`'s.
  package func strictContainer<Key: CodingKey & CaseIterable>(
    keyedBy type: Key.Type
  ) throws -> KeyedDecodingContainer<Key> {
    let expected = Key.allCases.map { $0.stringValue }
    let found = try container(keyedBy: AnyKey.self).allKeys.map { $0.stringValue }.sorted()
    if let unknown = found.first(where: { !expected.contains($0) }) {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: codingPath,
          debugDescription:
            "there is no key '\(unknown)' here, expected \(expected.joined(separator: ", "))"))
    }
    return try container(keyedBy: type)
  }
}

extension KeyedDecodingContainer {
  /// Throws where the version of a recipe's form is not the one that is known.
  package func checkRecipeVersion(forKey key: Key) throws {
    let version = try decode(Int.self, forKey: key)
    guard version == Recipe.currentVersion else {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: self,
        debugDescription: "found \(version), expected \(Recipe.currentVersion)")
    }
  }
}
