import CKernels
import SparrowCore

/// Convolution in any number of dimensions, with constant or computed weights: for each tile of output
/// pixels the input pixels under the window are gathered into a panel, which the packed weights
/// multiply.
func gatheredConvolution(_ p: inout Preparation, _ op: Conv) throws(RuntimeError) -> Step {
  let shape = try GatheredShape(p, op)
  let kernels = p.kernels
  let (mr, nr) = (Int(kernels.pointee.gemm_mr), Int(kernels.pointee.gemm_nr))
  let weights = try WeightPanels(
    &p, .rows, groups: shape.groups, rows: shape.outputs, k: shape.k,
    source: WeightStrides(group: shape.outputs * shape.k, row: shape.k, k: 1))
  let (x, y) = (p.slot(try p.input(0)), p.slot(p.outputs[0]))
  let (bias, addend) = (p.optional(2).map { p.slot($0) }, p.optional(3).map { p.slot($0) })
  let panelFloats = (shape.k * nr + 15) / 16 * 16
  let panels = p.scratch(bytes: p.threads * panelFloats * 4)
  let offsets = p.scratch(bytes: p.threads * shape.taps * nr * MemoryLayout<Int>.stride)
  let fused = FusedActivation(op.activation)
  let tiles = shape.outputPlane.dividedUp(by: nr)
  let units = shape.batch * shape.groups
  return Step(
    phases: weights.phases + [units * tiles], kernel: "f32_gemm (gathered)",
    multiplyAdds: [units, shape.outputs, shape.outputPlane, shape.k].clampedProduct
  ) { work in
    if work.phase < weights.phases.count { return weights.pack(work) }
    let (unit, tile) = work.task.quotientAndRemainder(dividingBy: tiles)
    let (pixel, count) = (tile * nr, min(nr, shape.outputPlane - tile * nr))
    let panel = work.floats(panels) + work.worker * panelFloats
    let table = work.pointer(offsets, as: Int.self) + work.worker * shape.taps * nr
    shape.locate(firstPixel: pixel, count: count, width: nr, into: table)
    let source = work.floats(x) + unit * shape.inputs * shape.inputPlane
    for c in 0..<shape.inputs {
      let (plane, target) = (source + c * shape.inputPlane, panel + c * shape.taps * nr)
      for i in 0..<shape.taps * nr { target[i] = table[i] < 0 ? 0 : plane[table[i]] }
    }
    let packed = weights.panels(group: unit % shape.groups, work)
    let start = unit * shape.outputs * shape.outputPlane + pixel
    let c = work.floats(y) + start
    var epilogue = fused.epilogue(accumulate: false, last: true)
    for row in stride(from: 0, to: shape.outputs, by: mr) {
      if let bias {
        let channel = unit % shape.groups * shape.outputs + row
        epilogue.row_bias = UnsafePointer(work.floats(bias) + channel)
      }
      let offset = row * shape.outputPlane
      if let addend {
        epilogue.residual = UnsafePointer(work.floats(addend) + start + offset)
        epilogue.residual_stride = shape.outputPlane
      }
      kernels.pointee.f32_gemm(
        shape.k, packed + row * shape.k, panel, c + offset, shape.outputPlane,
        min(mr, shape.outputs - row), count, &epilogue)
    }
    fused.finish(kernels, c, rows: shape.outputs, n: count, stride: shape.outputPlane)
  }
}

/// A convolution of concrete shapes in any number of dimensions.
private struct GatheredShape: @unchecked Sendable {
  let batch: Int
  let groups: Int
  /// Channels of one group.
  let inputs: Int
  let outputs: Int
  let inputPlane: Int
  let outputPlane: Int
  /// Positions of the window.
  let taps: Int
  private let rank: Int
  /// Seven numbers an axis, from the last to the first: output length, window length, stride, dilation,
  /// begin of padding, input length, input stride.
  private let axes: LookupTable<Int>

  var k: Int { inputs * taps }

  init(_ p: Preparation, _ op: Conv) throws(RuntimeError) {
    let (x, weight, y) = (try p.input(0), try p.input(1), p.outputs[0])
    let spatial = Array(x.shape.dropFirst(2))
    let window: Window.Resolved
    do throws(InferenceError) {
      window = try op.window.resolved(
        kernel: Array(weight.shape.dropFirst(2)), input: spatial.map { .known($0) })
    } catch {
      throw p.unsupported(error.reason)
    }
    (batch, groups, rank) = (x.shape[0], op.group, spatial.count)
    (inputs, outputs) = (weight.shape[1], weight.shape[0] / op.group)
    let output = Array(y.shape.dropFirst(2))
    (inputPlane, outputPlane) = (spatial.elementCount, output.elementCount)
    guard let taps = window.kernel.checkedElementCount, taps <= 1 << 20 else {
      throw p.unsupported("its window has too many elements")
    }
    self.taps = taps
    let strides = spatial.rowMajorStrides
    axes = LookupTable(
      spatial.indices.reversed().flatMap {
        [
          output[$0], window.kernel[$0], window.strides[$0], window.dilations[$0],
          window.padsBegin[$0], spatial[$0], strides[$0],
        ]
      })
  }

  /// For each tap of the window the input positions of `count` output pixels, -1 for those outside;
  /// `width` entries a tap.
  func locate(firstPixel: Int, count: Int, width: Int, into table: UnsafeMutablePointer<Int>) {
    for tap in 0..<taps {
      let row = table + tap * width
      for i in 0..<width { row[i] = i < count ? position(firstPixel + i, tap) : -1 }
    }
  }

  @inline(__always)
  private func position(_ pixel: Int, _ tap: Int) -> Int {
    var (pixels, taps, result) = (pixel, tap, 0)
    for axis in 0..<rank {
      let own = axes.base + 7 * axis
      let at = pixels % own[0] * own[2] + taps % own[1] * own[3] - own[4]
      if at < 0 || at >= own[5] { return -1 }
      result += at * own[6]
      pixels /= own[0]
      taps /= own[1]
    }
    return result
  }
}
