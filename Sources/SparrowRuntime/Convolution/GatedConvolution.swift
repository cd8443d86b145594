import CKernels
import SparrowCore

/// A dense convolution of the channels that gates leave open, see ``GateFolding``. Each image has gates of
/// its own; its open channels lie one after the other in the planes between two such convolutions.
///
/// A task finds out which channels are open, gathers the weights between those into panels
/// (``GatheredWeights``), and multiplies as ``denseConvolution(_:_:_:_:)`` does. Sums add their products
/// in the same order as there, those with zeros left out.
func gatedConvolution(_ p: inout Preparation, _ op: Conv) throws(RuntimeError) -> Step {
  let shape = try ConvolutionShape(p, window: op.window, group: op.group)
  let operands = try ConvolutionOperands(&p)
  let tiling = try DenseTiling(shape, p)
  let outputs = p.optional(ConvolutionGates.firstInput).map {
    OpenChannels(&p, $0, channels: shape.outputs)
  }
  let inputs = p.optional(ConvolutionGates.firstInput + 1).map {
    OpenChannels(&p, $0, channels: shape.inputs)
  }
  let weights = try GatheredWeights(
    &p, shape, tiling.kind, gathersRows: outputs != nil)
  let work = p.weights.workCounts.count(of: p.label)
  let product = GatedConvolution(
    &p, shape: shape, operands: operands, tiling: tiling, weights: weights, outputs: outputs,
    inputs: inputs, fused: FusedActivation(op.activation), work: work)
  let packing = weights.phases.count
  return Step(
    phases: weights.phases + [tiling.tasks.count], kernel: tiling.kind.name + " (open channels)",
    multiplyAdds: shape.multiplyAdds, inPlaceInput: operands.inPlaceInput, workDone: work
  ) { work in
    if work.phase < packing { return weights.pack(work) }
    product.run(work)
  }
}

/// Which channels of an image a gate leaves open, in order.
struct OpenChannels {
  let channels: Int
  private let gate: Slot
  private let list: Slot

  init(_ p: inout Preparation, _ gate: Preparation.Operand, channels: Int) {
    self.channels = channels
    self.gate = p.slot(gate)
    list = p.scratch(bytes: p.threads * channels * MemoryLayout<Int32>.stride)
  }

  /// Lists an image's channels in memory of the worker.
  func open(_ work: borrowing Work, image: Int) -> UnsafeBufferPointer<Int32> {
    let flags = work.pointer(gate, as: UInt8.self) + image * channels
    let target = work.pointer(list, as: Int32.self) + work.worker * channels
    var count = 0
    for channel in 0..<channels {
      target[count] = Int32(truncatingIfNeeded: channel)
      count += flags[channel] == 0 ? 0 : 1
    }
    return UnsafeBufferPointer(start: target, count: count)
  }
}

/// The tasks of a gated convolution.
private struct GatedConvolution: @unchecked Sendable {
  let shape: ConvolutionShape
  let operands: ConvolutionOperands
  let tiling: DenseTiling
  let weights: GatheredWeights
  let outputs: OpenChannels?
  let inputs: OpenChannels?
  let fused: FusedActivation
  let work: WorkCount
  let kernels: UnsafePointer<sp_kernel_table>
  /// Output channels whose weights are gathered at a time: where pixels stay in L1 while weights pass,
  /// all of them, else a panel.
  private let rows: Int
  private let copies: Slot
  private let sums: Slot
  private let panels: Slot
  private let bias: Slot
  private let panelFloats: Int

  init(
    _ p: inout Preparation, shape: ConvolutionShape, operands: ConvolutionOperands,
    tiling: DenseTiling, weights: GatheredWeights, outputs: OpenChannels?, inputs: OpenChannels?,
    fused: FusedActivation, work: WorkCount
  ) {
    (self.shape, self.operands, self.tiling, self.weights) = (shape, operands, tiling, weights)
    (self.outputs, self.inputs, self.fused, self.work) = (outputs, inputs, fused, work)
    kernels = p.kernels
    let width = weights.width
    rows = tiling.kind == .rows ? shape.outputs.dividedUp(by: width) * width : width
    panelFloats = (rows * shape.k).dividedUp(by: 16) * 16
    copies = p.scratch(bytes: p.threads * tiling.input.copyFloats * 4)
    sums = p.scratch(bytes: p.threads * tiling.sumFloats * 4)
    panels = p.scratch(bytes: p.threads * panelFloats * 4)
    bias = p.scratch(bytes: outputs == nil || operands.bias == nil ? 0 : p.threads * rows * 4)
  }

  /// What a task computes: its block of pixels, and the channels of its image that are open; nil for all.
  private struct Part {
    let image: Int
    let block: DirectInput.Block
    let outputs: UnsafeBufferPointer<Int32>?
    let inputs: UnsafeBufferPointer<Int32>?
    let inputCount: Int
    /// Of the open output channels.
    let rows: Range<Int>
  }

  func run(_ work: borrowing Work) {
    let part = part(work)
    let pixels = part.block.rows * part.block.columns
    self.work.add(
      nominal: work.task == 0 ? shape.multiplyAdds : 0,
      realised: part.rows.count * pixels * part.inputCount * shape.positions)
    guard !part.rows.isEmpty else { return }
    let input = tiling.input
    var x = UnsafePointer(work.floats(operands.x)) + part.image * shape.inputs * shape.inputPlane
    if input.isInPlace {
      x += part.block.firstPixel
    } else {
      let copy = work.floats(copies) + work.worker * input.copyFloats
      input.copy(
        kernels, shape.geometry, x, channels: 0..<part.inputCount, from: part.block, to: copy)
      x = UnsafePointer(copy)
    }
    var first = part.rows.lowerBound
    while first < part.rows.upperBound {
      let last = min(part.rows.upperBound, first + rows)
      multiply(work, part, x, first..<last)
      first = last
    }
  }

  private func part(_ work: borrowing Work) -> Part {
    let place = tiling.tasks.place(work.task)
    let open = outputs?.open(work, image: place.image)
    let inputs = inputs?.open(work, image: place.image)
    // The task's share of the panels there would be is its share of those there are.
    let (width, count) = (weights.width, open?.count ?? shape.outputs)
    let (all, present) = (shape.outputs.dividedUp(by: width), count.dividedUp(by: width))
    let first = present * (place.rows.lowerBound / width) / all * width
    let last = present * place.rows.upperBound.dividedUp(by: width) / all * width
    return Part(
      image: place.image, block: tiling.input.block(place.tile), outputs: open, inputs: inputs,
      inputCount: inputs?.count ?? shape.inputs, rows: min(first, count)..<min(last, count))
  }

  /// Computes some of the open output channels from the input at `x`.
  private func multiply(
    _ work: borrowing Work, _ part: Part, _ x: UnsafePointer<Float>, _ rows: Range<Int>
  ) {
    let (block, pixels) = (part.block, shape.outputPlane)
    let panels = work.floats(panels) + work.worker * panelFloats
    weights.gather(work, rows, of: part.outputs, inputs: part.inputs, to: panels)
    let start = (part.image * shape.outputs + rows.lowerBound) * pixels + block.firstPixel
    let y = work.floats(operands.y) + start
    var epilogue = fused.epilogue(accumulate: false, last: true)
    operands.extend(&epilogue, work, channel: rows.lowerBound, offset: start, stride: pixels)
    if let open = part.outputs, let all = operands.bias {
      let target = work.floats(bias) + work.worker * self.rows
      for (i, row) in rows.enumerated() { target[i] = work.floats(all)[Int(open[row])] }
      epilogue.row_bias = UnsafePointer(target)
    }
    var convolution = sp_direct_conv(
      x: x, offsets: tiling.input.offsets, weights: UnsafePointer(panels), y: y,
      k: part.inputCount * shape.positions, outputs: rows.count, rows: block.rows,
      columns: block.columns, row: tiling.input.row, out_row: block.columns, out_column: 1,
      out_plane: pixels)
    switch tiling.kind {
    case .rows: kernels.pointee.f32_conv_rows(&convolution, &epilogue)
    case .columns:
      kernels.pointee.f32_conv_columns(
        &convolution, tiling.reductionBlock, work.floats(sums) + work.worker * tiling.sumFloats,
        &epilogue)
    }
    fused.finish(kernels, y, rows: rows.count, n: block.rows * block.columns, stride: pixels)
  }
}
