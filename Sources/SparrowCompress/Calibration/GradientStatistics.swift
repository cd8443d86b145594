import SparrowCore
import SparrowPasses

/// Gathers what gradient criteria know of each layer.
public struct GradientStatistics {
  public var run: CalibrationRun
  /// One class a sample.
  public var labels: [Int]

  private let original: Graph

  /// Labels are the data's, else what `graph` predicts: give the whole network.
  public init(_ run: CalibrationRun, predictingBy graph: Graph) throws(CompressError) {
    (self.run, original) = (run, graph)
    labels = try GradientLabels.labels(of: run.data, graph, batch: 64, threads: run.threads)
  }

  /// The statistics that `criterion` requires of the layers of `graph`, by name.
  public func statistics(
    for criterion: any GradientCriterion, of layers: [Layer], in graph: Graph
  ) throws(CompressError) -> [String: LayerStatistics] {
    let settings = criterion.gradientSettings
    let needed = criterion.requiredStatistics
    for layer in layers where layer.weight.dtype != .float32 {
      throw .unsupportedLayer(
        name: layer.name,
        reason: "criterion \(criterion.name) takes float32, found \(layer.weight.dtype.name)")
    }
    try checkMemory(needed, layers, settings)
    var result = layers.map { _ in LayerStatistics() }
    if needed.contains(.hessianGradient) {
      let products = try hessianGradients(layers, graph, settings)
      for (i, tensor) in products.enumerated() { result[i].tensors[.hessianGradient] = tensor }
    }
    let collectors = layers.map { layer in
      needed.compactMap { LayerCollector($0, layer, settings) }
    }
    if collectors.contains(where: { !$0.isEmpty }) {
      let gradients = try Gradients(
        graph, of: layers.map { $0.use.value }, data: run.data,
        labels: try classes(settings), settings: settings, threads: run.threads)
      try gradients.forEach { (index, tensors) throws(CompressError) in
        for (own, tensor) in zip(collectors, tensors) { for each in own { each.add(tensor) } }
        run.progress(
          CalibrationProgress(
            stage: "gradients", fraction: Double(index + 1) / Double(gradients.count)))
      }
    }
    for (i, own) in collectors.enumerated() {
      for each in own { result[i].tensors[each.statistic] = each.finished() }
    }
    if needed.contains(.fisherScale) { Self.share(&result, layers) }
    return Dictionary(
      zip(layers.map { $0.name }, result), uniquingKeysWith: { first, _ in first })
  }

  private func classes(_ settings: GradientSettings) throws(CompressError) -> [Int] {
    guard let temperature = settings.temperature else { return labels }
    return try GradientLabels.drawn(
      from: original, run.data, temperature: temperature, threads: run.threads)
  }

  /// Makes each layer's sum of squares the mean over the weights of all.
  private static func share(_ statistics: inout [LayerStatistics], _ layers: [Layer]) {
    let sum = statistics.reduce(0.0) { $0 + ($1.tensors[.fisherScale]?.doubles.first ?? 0) }
    let count = layers.reduce(0) { $0 + $1.count }
    let mean = Tensor([sum / Double(max(1, count))])
    for i in statistics.indices { statistics[i].tensors[.fisherScale] = mean }
  }

  private func checkMemory(
    _ needed: Set<CalibrationStatistic>, _ layers: [Layer], _ settings: GradientSettings
  ) throws(CompressError) {
    let weights = layers.reduce(0) { $0 + $1.count }
    var each = 0
    if needed.contains(.gradients) { each += min(settings.count, run.data.count) * 4 }
    if needed.contains(.fisherBlocks) { each += settings.blockSize * 4 }
    let (bytes, overflow) = weights.multipliedReportingOverflow(by: each)
    guard overflow || bytes > run.memory else { return }
    throw .calibration(
      "gradients of \(weights) weights take \(bytes >> 20) MiB, but \(run.memory >> 20) MiB are "
        + "allowed; allow more memory, or use fewer gradients or smaller blocks")
  }

  /// The product of the loss's Hessian with its gradient, by a central difference of gradients along
  /// the gradient: (g(w + e g) - g(w - e g)) / 2e. The step moves the weights by 1/500 of their norm:
  /// far above float32's rounding and far below where activations change.
  ///
  /// Scaled for all layers together so that weight times product has a mean magnitude of 1.
  private func hessianGradients(
    _ layers: [Layer], _ graph: Graph, _ settings: GradientSettings
  ) throws(CompressError) -> [Tensor] {
    let gradients = try Gradients(
      graph, of: layers.map { $0.use.value }, data: run.data, labels: labels, settings: settings,
      threads: run.threads, takesWeights: true)
    let weights = layers.map { $0.weight.doubles }
    let gradient = try gradients.mean(weights: layers.map { $0.weight })
    let length = gradient.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
    let norm = weights.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
    guard length > 0, length.isFinite else { throw .calibration("the loss has no gradient") }
    let step = norm / (500 * length)
    func moved(_ factor: Double) throws(CompressError) -> [[Double]] {
      var values: [Tensor] = []
      for (i, layer) in layers.enumerated() {
        let numbers = zip(weights[i], gradient[i]).map { $0 + factor * $1 }
        values.append(Tensor(.float32, layer.weight.shape, doubles: numbers))
      }
      return try gradients.mean(weights: values)
    }
    let (ahead, behind) = (try moved(step), try moved(-step))
    var products = zip(ahead, behind).map { a, b in zip(a, b).map { ($0 - $1) / (2 * step) } }
    var (sum, count) = (0.0, 0)
    for (w, p) in zip(weights, products) {
      sum += zip(w, p).reduce(0) { $0 + abs($1.0 * $1.1) }
      count += w.count
    }
    for i in products.indices where sum > 0 { products[i].scale(by: Double(count) / sum) }
    return zip(layers, products).map { Tensor(.float32, $0.weight.shape, doubles: $1) }
  }
}

/// One statistic of one layer while gradients come in.
private final class LayerCollector {
  let statistic: CalibrationStatistic
  private let shape: [Int]
  private var sums: [Double] = []
  private var rows: [Tensor] = []
  private var blocks: FisherBlocksAccumulator?
  private var count = 0

  /// nil for statistics that are not made of gradients one by one.
  init?(_ statistic: CalibrationStatistic, _ layer: Layer, _ settings: GradientSettings) {
    (self.statistic, shape) = (statistic, layer.weight.shape)
    switch statistic {
    case .gradients: break
    case .meanGradient, .meanSquaredGradient:
      sums = [Double](repeating: 0, count: layer.count)
    case .fisherBlocks:
      blocks = FisherBlocksAccumulator(
        weightCount: layer.count, blockSize: max(1, settings.blockSize))
    case .fisherScale: sums = [0]
    case .hessianGradient, .synapticFlow: return nil
    }
  }

  func add(_ gradient: Tensor) {
    count += 1
    switch statistic {
    case .gradients: rows.append(gradient)
    case .meanGradient: sums.add(gradient)
    case .meanSquaredGradient: sums.addSquares(of: gradient)
    case .fisherBlocks: blocks?.add(gradient)
    case .fisherScale: sums[0] += gradient.sumOfSquares
    case .hessianGradient, .synapticFlow: break
    }
  }

  func finished() -> Tensor {
    if let blocks { return blocks.mean() }
    guard statistic == .gradients else {
      sums.scale(by: 1 / Double(max(1, count)))
      if statistic == .fisherScale { return Tensor(sums) }
      return Tensor(.float32, shape, doubles: sums)
    }
    let width = shape.elementCount
    let bytes = Bytes(count: rows.count * width * 4) { target in
      guard let base = target.baseAddress else { return }
      for (i, row) in rows.enumerated() {
        guard let source = row.dense().denseBytes else { continue }
        (base + i * width * 4).copyMemory(from: source.pointer, byteCount: width * 4)
      }
    }
    defer { rows = [] }
    return Tensor(dtype: .float32, shape: [rows.count, width], bytes: bytes)
  }
}
