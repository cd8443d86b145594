import SparrowCore

extension Op {
  /// Whether float16 and bfloat16 operands are computed in float32; the others move bytes, or know
  /// these types themselves.
  var widensHalfPrecision: Bool {
    switch self {
    case .argExtreme, .attention, .batchNormalization, .binary, .clip, .conv, .convTranspose,
      .einsum, .gemm, .globalPool, .groupNormalization, .layerNormalization, .lrn, .matMul, .pool,
      .range, .recurrent, .reduce, .rmsNormalization, .rotaryEmbedding, .softmax:
      true
    case .resize(let op): op.mode != .nearest
    case .unary(let op): op.function != .isNaN
    default: false
    }
  }
}

extension DType {
  fileprivate var isHalfPrecision: Bool { self == .float16 || self == .bfloat16 }
}

extension Preparation {
  /// Whether an input is float16 or bfloat16.
  var hasHalfPrecision: Bool {
    inputs.contains { $0.map { $0.dtype.isHalfPrecision } ?? false }
  }

  /// The step that `prepare` makes for float32 copies of every 16-bit floating-point operand,
  /// between steps that convert inputs and outputs.
  mutating func widened(
    _ prepare: (inout Preparation) throws(RuntimeError) -> Step
  ) throws(RuntimeError) -> Step {
    // Slots of the copies come before those of the step itself.
    let operands = inputs.compactMap { $0 } + outputs
    let halves = operands.filter { $0.dtype.isHalfPrecision }
    let firstCopy = firstScratchSlot + scratchSizes.count
    var copies: [Operand] = []
    for (i, operand) in halves.enumerated() {
      copies.append(
        Operand(
          dtype: .float32, shape: operand.shape,
          constant: operand.constant.flatMap { Tensor(widening: $0) },
          value: ValueID(firstCopy + i)))
    }
    // Operands come in one order everywhere, so that a counter finds each one's copy.
    var next = 0
    func copied(_ operand: Operand) -> Operand {
      guard operand.dtype.isHalfPrecision else { return operand }
      next += 1
      return copies[next - 1]
    }
    var inner = Preparation(
      label: label, inputs: inputs.map { $0.map { copied($0) } },
      outputs: outputs.map { copied($0) }, kernels: kernels, threads: threads,
      firstScratchSlot: firstCopy + copies.count, weights: weights)
    let step = try prepare(&inner)
    return adopt(step, of: inner, halves: halves, copies: copies, outputs: outputs.map { $0.value })
  }

  private mutating func adopt(
    _ step: Step, of inner: Preparation, halves: [Operand], copies: [Operand], outputs: [ValueID]
  ) -> Step {
    var (before, after): ([Step], [Step]) = ([], [])
    for (operand, copy) in zip(halves, copies) {
      // A constant that the step has packed needs no copy.
      let isUsed = inner.denseInputs.contains(copy.value)
      let buffer = scratch(bytes: isUsed ? copy.count * MemoryLayout<Float>.stride : 0)
      guard isUsed else { continue }
      let conversion = HalfConversion(
        dtype: operand.dtype, half: slot(operand), float: buffer,
        chunks: Chunks(copy.count, tasks: tasks(work: copy.count, limit: 32), unit: 64))
      if outputs.contains(operand.value) {
        after.append(conversion.narrowing())
      } else {
        before.append(conversion.widening())
      }
    }
    for bytes in inner.scratchSizes { _ = scratch(bytes: bytes) }
    for operand in inputs.compactMap({ $0 }) + self.outputs where !operand.dtype.isHalfPrecision {
      if inner.denseInputs.contains(operand.value) { _ = slot(operand) }
    }
    return Step(inSequence: before + [step] + after, kernel: step.kernel + " on f16")
  }
}

extension Tensor {
  /// The float32 elements of a 16-bit floating-point tensor; nil for other types.
  fileprivate init?(widening tensor: Tensor) {
    guard let floats = tensor.floats else { return nil }
    self.init(floats, shape: tensor.shape)
  }
}

/// Between 16-bit elements and float32 ones.
private struct HalfConversion {
  let dtype: DType
  let half: Slot
  let float: Slot
  let chunks: Chunks

  func widening() -> Step {
    let (isFloat16, half, float, chunks) = (dtype == .float16, half, float, chunks)
    return Step(tasks: chunks.tasks, kernel: "widen") { work in
      let (x, y) = (work.pointer(half, as: UInt16.self), work.floats(float))
      for i in chunks.range(work.task) {
        y[i] =
          isFloat16
          ? HalfPrecision.float(fromFloat16: x[i]) : HalfPrecision.float(fromBFloat16: x[i])
      }
    }
  }

  func narrowing() -> Step {
    let (isFloat16, half, float, chunks) = (dtype == .float16, half, float, chunks)
    return Step(tasks: chunks.tasks, kernel: "narrow") { work in
      let (x, y) = (work.floats(float), work.pointer(half, as: UInt16.self))
      for i in chunks.range(work.task) {
        y[i] = isFloat16 ? HalfPrecision.float16(x[i]) : HalfPrecision.bfloat16(x[i])
      }
    }
  }
}
