import SparrowCompress

extension MethodSettings: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case name, sparsity, criterion, allocation, pattern, exclude
    case excludeKinds = "exclude_kinds"
    case layers, start, end, initial, every, drop, rho, threshold
    case thresholdDecay = "threshold_decay"
    case rounds, continuation
    case rewindEpochs = "rewind_epochs"
  }

  public init(from decoder: any Decoder) throws {
    let keys = try decoder.strictContainer(keyedBy: CodingKeys.self)
    self.init(try keys.named(try keys.decode(String.self, forKey: .name), .name))
    sparsity = try keys.decodeIfPresent(Double.self, forKey: .sparsity)
    criterion = try keys.decodeIfPresent(String.self, forKey: .criterion)
    allocation = try keys.decodeIfPresent(String.self, forKey: .allocation)
    pattern = try keys.decodeIfPresent(String.self, forKey: .pattern)
    exclude = try keys.decodeIfPresent([String].self, forKey: .exclude) ?? []
    if let names = try keys.decodeIfPresent([String].self, forKey: .excludeKinds) {
      excludeKinds = Set(try names.map { try keys.named($0, .excludeKinds) })
    }
    layers = try keys.decodeIfPresent([LayerOverride].self, forKey: .layers) ?? []
    start = try keys.decodeIfPresent(Double.self, forKey: .start)
    end = try keys.decodeIfPresent(Double.self, forKey: .end)
    initial = try keys.decodeIfPresent(Double.self, forKey: .initial)
    every = try keys.decodeIfPresent(Int.self, forKey: .every)
    drop = try keys.decodeIfPresent(Double.self, forKey: .drop)
    rho = try keys.decodeIfPresent(Double.self, forKey: .rho)
    threshold = try keys.decodeIfPresent(Double.self, forKey: .threshold)
    thresholdDecay = try keys.decodeIfPresent(Double.self, forKey: .thresholdDecay)
    rounds = try keys.decodeIfPresent(Int.self, forKey: .rounds)
    if let name = try keys.decodeIfPresent(String.self, forKey: .continuation) {
      continuation = try keys.named(name, .continuation)
    }
    rewindEpochs = try keys.decodeIfPresent(Int.self, forKey: .rewindEpochs)
  }

  public func encode(to encoder: any Encoder) throws {
    var keys = encoder.container(keyedBy: CodingKeys.self)
    try keys.encode(name, forKey: .name)
    try keys.encodeIfPresent(sparsity, forKey: .sparsity)
    try keys.encodeIfPresent(criterion, forKey: .criterion)
    try keys.encodeIfPresent(allocation, forKey: .allocation)
    try keys.encodeIfPresent(pattern, forKey: .pattern)
    try keys.encode(exclude, forKey: .exclude)
    try keys.encode(excludeKinds.map { $0.rawValue }.sorted(), forKey: .excludeKinds)
    try keys.encode(layers, forKey: .layers)
    try keys.encodeIfPresent(start, forKey: .start)
    try keys.encodeIfPresent(end, forKey: .end)
    try keys.encodeIfPresent(initial, forKey: .initial)
    try keys.encodeIfPresent(every, forKey: .every)
    try keys.encodeIfPresent(drop, forKey: .drop)
    try keys.encodeIfPresent(rho, forKey: .rho)
    try keys.encodeIfPresent(threshold, forKey: .threshold)
    try keys.encodeIfPresent(thresholdDecay, forKey: .thresholdDecay)
    try keys.encodeIfPresent(rounds, forKey: .rounds)
    try keys.encodeIfPresent(continuation, forKey: .continuation)
    try keys.encodeIfPresent(rewindEpochs, forKey: .rewindEpochs)
  }
}
