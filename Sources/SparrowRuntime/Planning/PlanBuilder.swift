import CKernels
import SparrowCore

/// Turns nodes into steps and decides which values share memory.
struct PlanBuilder {
  let graph: Graph
  let kernels: UnsafePointer<sp_kernel_table>
  let weights: WeightCache
  /// Packs weights and measures.
  let pool: ThreadPool
  /// The number of workers that share the steps.
  let threads: Int

  private(set) var steps: [Step] = []
  private(set) var labels: [String] = []
  /// The value whose memory a value is seen through: itself, or what a view op was given.
  private var roots: [ValueID]
  private var reads: [[ValueID]] = []
  private var writes: [[ValueID]] = []
  private var inPlace: [ValueID?] = []
  private var scratch: [(bytes: Int, step: Int)] = []
  private var denseConstants: Set<ValueID> = []
  private let folding: NodeFolding
  private(set) var gates = GateFolding()
  /// The constant masks of values that ``Masked`` nodes make.
  private let masks: [ValueID: Tensor]
  /// Measures rival kernels; nil where the cost model decides alone.
  private(set) var timer: StepTimer?

  init(
    _ graph: Graph, kernels: UnsafePointer<sp_kernel_table>, pool: ThreadPool, threads: Int,
    weights: WeightCache
  ) {
    (self.graph, self.kernels, self.weights) = (graph, kernels, weights)
    (self.pool, self.threads) = (pool, threads)
    roots = graph.values.indices.map { ValueID($0) }
    folding = NodeFolding(graph)
    masks = graph.constantMasks()
  }

  /// What ``Plan`` keeps of the memory layout.
  struct Layout {
    var places: [Plan.Place]
    var arenaBytes: Int
    var outputs: [Plan.Output]
  }

  mutating func prepareSteps() throws(RuntimeError) {
    if weights.skipsClosedChannels { gates = GateFolding(graph) { runsSparse($0) } }
    packWeights()
    timer = StepTimer.make(weights.tuning)
    for (i, node) in graph.nodes.enumerated() where !folding.isFolded[i] && !gates.isMoved(i) {
      let node = gates.moved(to: i) ?? node
      if let source = node.inputs.first ?? nil, node.outputs.count == 1,
        try isView(node, of: source)
      {
        roots[node.outputs[0].index] = roots[source.index]
        continue
      }
      try prepare(i, node)
    }
  }

  /// What the operator of node `i` is given; weights are packed in `cache`, or in the plan's.
  func preparation(
    of node: Node, at i: Int, in cache: WeightCache? = nil
  ) throws(RuntimeError) -> Preparation {
    var inputs: [Preparation.Operand?] = []
    var addend: ValueID?
    for id in node.inputs {
      guard let id else {
        inputs.append(nil)
        continue
      }
      if let view = folding.views[id] {
        var operand = try operand(id)
        (operand.value, operand.strides) = (roots[view.source.index], view.strides)
        inputs.append(operand)
      } else if let sum = folding.sums[id] {
        inputs.append(try operand(sum.0))
        addend = sum.1
      } else {
        inputs.append(try operand(id))
      }
    }
    if let addend {
      while inputs.count < LayerNormalization.addendInput { inputs.append(nil) }
      inputs.append(try operand(addend))
    }
    let gate = gates.gates(at: i)
    if let gate {
      while inputs.count < ConvolutionGates.firstInput { inputs.append(nil) }
      inputs.append(try gate.outputs.map { (id) throws(RuntimeError) in try operand(id) })
      inputs.append(try gate.inputs.map { (id) throws(RuntimeError) in try operand(id) })
    }
    var outputs: [Preparation.Operand] = []
    for id in node.outputs { outputs.append(try operand(id)) }
    let result = folding.results[i]
    if let result {
      // Of the product's own shape; what is written is the folded node's value.
      outputs[0].value = result.value
      outputs[0].strides = result.strides
    }
    var preparation = Preparation(
      label: node.label, inputs: inputs, outputs: outputs, kernels: kernels, threads: threads,
      firstScratchSlot: graph.values.count + scratch.count, weights: cache ?? weights)
    preparation.resultScale = result?.scale ?? 1
    preparation.gates = gate
    preparation.kernel = weights.kernel(of: ProductUse(preparation))
    return preparation
  }

  private mutating func prepare(_ i: Int, _ node: Node) throws(RuntimeError) {
    var preparation = try preparation(of: node, at: i)
    var step = try node.op.prepare(&preparation)
    if let faster = try tuned(step, preparation, node, at: i) { (step, preparation) = faster }
    for bytes in preparation.scratchSizes { scratch.append((bytes, steps.count)) }
    denseConstants.formUnion(preparation.denseInputs)
    steps.append(step)
    labels.append(node.label)
    reads.append(preparation.inputs.compactMap { $0?.value })
    writes.append(preparation.outputs.map { $0.value })
    inPlace.append(step.inPlaceInput.flatMap { preparation.optional($0)?.value })
  }

  /// Whether node `i`, a convolution, multiplies by its weight with a sparse kernel.
  private func runsSparse(_ i: Int) -> Bool {
    guard case .conv(let op) = graph.nodes[i].op,
      var preparation = try? preparation(of: graph.nodes[i], at: i)
    else { return false }
    return (try? op.runsSparse(&preparation)) ?? false
  }

  private func isView(_ node: Node, of source: ValueID) throws(RuntimeError) -> Bool {
    let (x, y) = (try operand(source), try operand(node.outputs[0]))
    return node.op.isView(input: (x.dtype, x.shape), output: (y.dtype, y.shape))
  }

  private func operand(_ id: ValueID) throws(RuntimeError) -> Preparation.Operand {
    let value = graph[id]
    guard let type = value.type, let shape = type.shape else {
      throw .unresolvedShape(value: value.name, type: value.type?.text ?? "of unknown type")
    }
    return Preparation.Operand(
      dtype: type.dtype, shape: shape, constant: value.constant, mask: masks[id],
      value: roots[id.index])
  }

  // MARK: Memory

  func layOut() throws(RuntimeError) -> Layout {
    let count = graph.values.count
    var places = [Plan.Place](repeating: .none, count: count + scratch.count)
    for id in denseConstants where graph[id].constant != nil {
      places[id.index] = .constant(try constantBytes(id))
    }
    for (i, id) in graph.inputs.enumerated() { places[id.index] = .input(i) }
    let outputs = try placeOutputs(&places)
    let arena = try placeBuffers(&places)
    return Layout(places: places, arenaBytes: arena, outputs: outputs)
  }

  private func constantBytes(_ id: ValueID) throws(RuntimeError) -> Bytes {
    guard let bytes = graph[id].constant?.dense().denseBytes else {
      throw .badInput("constant '\(graph[id].name)' has no value")
    }
    // Kernels and typed pointers want natural alignment, which a mapped file does not promise.
    if bytes.isAligned(for: UInt64.self) { return bytes }
    return Bytes(count: bytes.count) { target in
      // Piece by piece, so that file and copy are never both in memory as a whole.
      var start = 0
      while start < bytes.count {
        let part = bytes.slice(start, min(1 << 22, bytes.count - start))
        target.baseAddress?.advanced(by: start).copyMemory(
          from: part.pointer, byteCount: part.count)
        part.releasePages()
        start += part.count
      }
    }
  }

  /// An output is written in place where a step makes it and no earlier output took its memory.
  private func placeOutputs(_ places: inout [Plan.Place]) throws(RuntimeError) -> [Plan.Output] {
    let made = Set(writes.flatMap { $0 })
    var outputs: [Plan.Output] = []
    for (i, id) in graph.outputs.enumerated() {
      let root = roots[id.index]
      let operand = try operand(id)
      var output = Plan.Output(
        type: TensorType(operand.dtype, shape: operand.shape), shape: operand.shape)
      if made.contains(root), case .none = places[root.index] {
        places[root.index] = .output(i)
      } else {
        output.copiedFrom = root.index
        if graph[root].constant != nil { places[root.index] = .constant(try constantBytes(root)) }
      }
      outputs.append(output)
    }
    return outputs
  }

  private func placeBuffers(_ places: inout [Plan.Place]) throws(RuntimeError) -> Int {
    var lastUse = [Int](repeating: -1, count: graph.values.count)
    for (step, ids) in reads.enumerated() {
      for id in ids { lastUse[id.index] = step }
    }
    for id in graph.outputs { lastUse[roots[id.index].index] = steps.count }
    var buffers: [ArenaLayout.Buffer] = []
    var bufferOf: [Int: Int] = [:]
    var slots: [(slot: Int, buffer: Int)] = []
    for (step, ids) in writes.enumerated() {
      for (position, id) in ids.enumerated() {
        guard case .none = places[id.index] else { continue }
        let bytes = try byteCount(id)
        let last = max(lastUse[id.index], step)
        let taken = position == 0 ? reusable(step, bytes, lastUse).flatMap { bufferOf[$0] } : nil
        if let taken {
          buffers[taken].lastStep = max(buffers[taken].lastStep, last)
        } else {
          buffers.append(ArenaLayout.Buffer(bytes: bytes, firstStep: step, lastStep: last))
        }
        bufferOf[id.index] = taken ?? buffers.count - 1
        slots.append((id.index, taken ?? buffers.count - 1))
      }
    }
    for (i, request) in scratch.enumerated() {
      buffers.append(
        ArenaLayout.Buffer(bytes: request.bytes, firstStep: request.step, lastStep: request.step))
      slots.append((graph.values.count + i, buffers.count - 1))
    }
    let layout = ArenaLayout(buffers)
    guard layout.byteCount <= Limits.arenaBytes else {
      throw .badInput(
        "the model's activations take \(layout.byteCount >> 20) MiB, the limit is "
          + "\(Limits.arenaBytes >> 20) MiB: use a smaller input")
    }
    for (slot, buffer) in slots { places[slot] = .arena(offset: layout.offsets[buffer]) }
    return layout.byteCount
  }

  /// The value whose memory output 0 of `step` may take over: the step allows it, nobody reads it
  /// later, no other operand is the same memory, and it is as large.
  private func reusable(_ step: Int, _ bytes: Int, _ lastUse: [Int]) -> Int? {
    guard let id = inPlace[step], lastUse[id.index] == step,
      reads[step].filter({ $0 == id }).count == 1,
      let size = try? byteCount(id), size == bytes
    else { return nil }
    return id.index
  }

  private func byteCount(_ id: ValueID) throws(RuntimeError) -> Int {
    let operand = try operand(id)
    return operand.count * operand.dtype.size
  }
}

extension Graph {
  fileprivate func constantMasks() -> [ValueID: Tensor] {
    var result: [ValueID: Tensor] = [:]
    for node in nodes {
      guard case .masked = node.op, let output = node.outputs.first,
        let mask = node.input(1).flatMap({ self[$0].constant })
      else { continue }
      result[output] = mask
    }
    return result
  }
}
