import CKernels
import CPlatform
import SparrowCore

/// How a ``Session`` computes.
public struct SessionOptions: Sendable {
  /// Workers, the calling thread included.
  public var threads: Int
  /// Run sparse weights through dense kernels, to measure what sparsity gains.
  public var forcesDense: Bool {
    get { kernel == .dense }
    set { kernel = newValue ? .dense : nil }
  }
  /// What multiplies by every weight that it applies to; nil: for each the fastest.
  var kernel: WeightKernel?
  /// How the kernels of sparse weights are chosen.
  public var tuning: Tuning
  /// Whether convolutions leave out channels that a gate closes. False computes them and puts zeros in
  /// their places afterwards, to measure what skipping gains.
  public var skipsClosedChannels: Bool

  public init(
    threads: Int = 1, forcesDense: Bool = false, tuning: Tuning = .off,
    skipsClosedChannels: Bool = true
  ) {
    (self.threads, self.tuning, kernel) = (threads, tuning, forcesDense ? .dense : nil)
    self.skipsClosedChannels = skipsClosedChannels
  }
}

/// A graph made ready to run: plans are made on first use of each set of input shapes and kept.
///
/// Not safe to use from several threads at once; make one session for each instead.
public final class Session {
  /// The graph with everything folded that does not depend on input shapes. Without constants once
  /// it is planned, where input shapes are fixed.
  public private(set) var graph: Graph
  let resources: Resources
  private var runners: [[[Int]]: Runner] = [:]
  private var latest: (shapes: [[Int]], runner: Runner)?

  /// What the plans of a session, and of the sessions of its loops' bodies, share.
  struct Resources {
    let pool: ThreadPool
    let kernels: UnsafePointer<sp_kernel_table>
    let weights: WeightCache

    init(_ options: SessionOptions, _ weights: WeightCache) {
      pool = ThreadPool(count: max(1, min(options.threads, 256)))
      (kernels, self.weights) = (sp_kernels_best(), weights)
    }
  }

  /// What computes the graph for inputs of certain shapes.
  enum Runner {
    case whole(Execution)
    case staged(StagedExecution)
  }

  /// Whether others need the graph's constants after it is planned.
  private let keepsSources: Bool

  /// The most plans kept; the oldest are forgotten together when another is needed.
  private static var planLimit: Int { 16 }

  private init(_ graph: Graph, _ resources: Resources, keepsSources: Bool) {
    (self.graph, self.resources, self.keepsSources) = (graph, resources, keepsSources)
  }

  /// Verifies and folds the graph. Throws ``RuntimeError`` when it breaks a rule.
  public convenience init(
    _ graph: Graph, options: SessionOptions = SessionOptions()
  ) throws(RuntimeError) {
    let graph = try graph.verifiedAndFolded()
    self.init(graph, Resources(options, WeightCache(options)), keepsSources: false)
  }

  /// Runs what other sessions of `model` run, on threads of its own.
  public convenience init(_ model: SharedModel, threads: Int) {
    var options = model.options
    options.threads = threads
    let weights = WeightCache(options, shared: model.weights)
    self.init(model.graph, Resources(options, weights), keepsSources: false)
  }

  /// For a graph that runs inside another.
  convenience init(_ graph: Graph, _ resources: Resources) throws(RuntimeError) {
    self.init(try graph.folded(), resources, keepsSources: true)
  }

  /// The instruction set the kernels use: `avx512`, `avx2`, `neon`, `wasm` or `scalar`.
  public static var instructionSet: String { String(cString: sp_isa_name(sp_best_isa())) }

  /// Runs the graph on one tensor an input, in the graph's order; the outputs in the graph's order.
  ///
  /// The first run with new shapes plans; later ones allocate nothing once the caller has let go of
  /// the previous outputs. Throws when an input has the wrong type or shape, or when an operator
  /// meets values it is not defined for.
  public func run(_ inputs: [Tensor]) throws(RuntimeError) -> [Tensor] {
    let inputs = try checked(inputs)
    switch try runner(for: inputs) {
    case .whole(let execution): return try execution.run(inputs, pool: resources.pool)
    case .staged(let execution): return try execution.run(inputs)
    }
  }

  /// Plans for inputs of these shapes and packs the weights, which the first run does otherwise. Where
  /// shapes depend on values, that is done up to the first that does.
  public func prepare(_ inputs: [Tensor]) throws(RuntimeError) {
    _ = try runner(for: try checked(inputs))
  }

  func checked(_ inputs: [Tensor]) throws(RuntimeError) -> [Tensor] {
    guard inputs.count == graph.inputs.count else {
      throw .badInput("the model takes \(graph.inputs.count) inputs, found \(inputs.count)")
    }
    for (id, tensor) in zip(graph.inputs, inputs) {
      let value = graph[id]
      guard let type = value.type, type.dtype == tensor.dtype else {
        throw .badInput(
          "input '\(value.name)' is \(value.type?.text ?? "?"), found "
            + TensorType(tensor.dtype, shape: tensor.shape).text)
      }
    }
    if inputs.allSatisfy({ $0.denseBytes?.isAligned(for: UInt64.self) ?? false }) { return inputs }
    return inputs.map { $0.aligned() }
  }

  func runner(for inputs: [Tensor]) throws(RuntimeError) -> Runner {
    if let latest, fits(latest.shapes, inputs) { return latest.runner }
    let shapes = inputs.map { $0.shape }
    if let known = runners[shapes] {
      latest = (shapes, known)
      return known
    }
    let made = try makeRunner(shapes)
    if runners.count >= Session.planLimit { runners = [:] }
    runners[shapes] = made
    latest = (shapes, made)
    return made
  }

  private func makeRunner(_ shapes: [[Int]]) throws(RuntimeError) -> Runner {
    let bound = try graph.bound(inputShapes: shapes)
    guard StageCut(bound).isComplete else { return .staged(try StagedExecution(bound, resources)) }
    let execution = try Execution(bound, resources)
    if !keepsSources { dropSources() }
    return .whole(execution)
  }

  /// Lets go of what weights were packed from. Where input shapes are fixed no other plan will need
  /// it again.
  private func dropSources() {
    for value in graph.values { value.constant?.releasePages() }
    guard graph.inputs.allSatisfy({ graph[$0].type?.shape != nil }) else { return }
    graph.dropConstants()
    resources.weights.forget()
    sp_trim_heap()
  }

  private func fits(_ shapes: [[Int]], _ inputs: [Tensor]) -> Bool {
    for i in inputs.indices where shapes[i] != inputs[i].shape { return false }
    return true
  }
}
