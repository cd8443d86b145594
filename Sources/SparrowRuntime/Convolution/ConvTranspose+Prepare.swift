import CKernels
import SparrowCore

extension ConvTranspose {
  /// A matrix product makes every (output channel, kernel position) plane of the input's size; a
  /// last phase adds each plane into the output at its stride and offset.
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (given, weight) = (try p.input(0), try p.input(1))
    guard given.dtype == .float32, weight.dtype == .float32, given.shape.count <= 5 else {
      return p.referenceStep(.convTranspose(self))
    }
    let shape = try TransposedShape(p, self)
    let kernels = p.kernels
    let nr = Int(kernels.pointee.gemm_nr)
    let mr = Int(kernels.pointee.gemm_mr)
    let rows = shape.outputs * shape.positions
    let weights = try WeightPanels(
      &p, .rows, groups: shape.groups, rows: rows, k: shape.inputs,
      source: WeightStrides(group: shape.inputs * rows, row: 1, k: rows))
    let packing = weights.phases.count
    let (x, y) = (p.slot(given), p.slot(p.outputs[0]))
    let bias = p.optional(2).map { p.slot($0) }
    let columns = p.scratch(bytes: shape.planes * rows * shape.inputPlane * 4)
    let panels = p.scratch(bytes: p.threads * shape.inputs * nr * 4)
    let fused = FusedActivation(activation)
    let tiles = shape.inputPlane.dividedUp(by: nr)
    return Step(
      phases: weights.phases + [shape.planes * tiles, shape.planes * shape.outputs],
      kernel: "f32_gemm (col2im)",
      multiplyAdds: [shape.planes, rows, shape.inputs, shape.inputPlane].clampedProduct
    ) { work in
      if work.phase < packing { return weights.pack(work) }
      if work.phase == packing {
        let plane = work.task / tiles
        let pixel = work.task % tiles * nr
        let count = min(nr, shape.inputPlane - pixel)
        let panel = work.floats(panels) + work.worker * shape.inputs * nr
        kernels.pointee.f32_pack_b(
          shape.inputs, count, work.floats(x) + plane * shape.inputs * shape.inputPlane + pixel,
          shape.inputPlane, 1, panel)
        let packed = weights.panels(group: plane % shape.groups, work)
        var epilogue = FusedActivation(.none).epilogue(accumulate: false, last: true)
        var row = 0
        while row < rows {
          kernels.pointee.f32_gemm(
            shape.inputs, packed + row * shape.inputs, panel,
            work.floats(columns) + (plane * rows + row) * shape.inputPlane + pixel,
            shape.inputPlane, min(mr, rows - row), count, &epilogue)
          row += mr
        }
      } else {
        let channel = work.task % (shape.groups * shape.outputs)
        let target = work.floats(y) + work.task * shape.outputPlane
        let value = bias.map { work.floats($0)[channel] } ?? 0
        for i in 0..<shape.outputPlane { target[i] = value }
        shape.scatter(
          work.floats(columns) + work.task * shape.positions * shape.inputPlane, into: target)
        fused.apply(kernels, target, n: shape.outputPlane)
      }
    }
  }
}

/// A transposed convolution of concrete shapes in three dimensions; missing leading ones have length 1.
private struct TransposedShape {
  typealias Triple = (depth: Int, height: Int, width: Int)

  let planes: Int
  let groups: Int
  let inputs: Int
  let outputs: Int
  private let input: Triple
  private let output: Triple
  private let kernel: Triple
  private let strides: Triple
  private let dilations: Triple
  private let pads: Triple

  var positions: Int { kernel.depth * kernel.height * kernel.width }
  var inputPlane: Int { input.depth * input.height * input.width }
  var outputPlane: Int { output.depth * output.height * output.width }

  init(_ p: Preparation, _ op: ConvTranspose) throws(RuntimeError) {
    let x = try p.input(0)
    let weight = try p.input(1)
    guard op.group > 0, weight.shape[0] % op.group == 0 else {
      throw p.unsupported("\(weight.shape[0]) channels in \(op.group) groups")
    }
    let window: Window.Resolved
    do throws(InferenceError) {
      window = try op.resolved(
        kernel: Array(weight.shape[2...]), input: Array(x.shape[2...])
      ).window
    } catch {
      throw p.unsupported(error.reason)
    }
    func triple(_ values: [Int], _ missing: Int) -> Triple {
      let all = [Int](repeating: missing, count: 3 - values.count) + values
      return (all[0], all[1], all[2])
    }
    groups = op.group
    planes = x.shape[0] * op.group
    inputs = weight.shape[0] / op.group
    outputs = weight.shape[1]
    input = triple(Array(x.shape[2...]), 1)
    output = triple(Array(p.outputs[0].shape[2...]), 1)
    kernel = triple(window.kernel, 1)
    strides = triple(window.strides, 1)
    dilations = triple(window.dilations, 1)
    pads = triple(window.padsBegin, 0)
  }

  /// Adds the planes of one channel's kernel positions into its output plane.
  func scatter(_ columns: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>) {
    for position in 0..<positions {
      let (row, left) = position.quotientAndRemainder(dividingBy: kernel.width)
      let near = row / kernel.height * dilations.depth - pads.depth
      let top = row % kernel.height * dilations.height - pads.height
      for depth in 0..<input.depth {
        let z = depth * strides.depth + near
        guard z >= 0, z < output.depth else { continue }
        addImage(
          columns + (position * input.depth + depth) * input.height * input.width, top: top,
          left: left * dilations.width - pads.width,
          into: target + z * output.height * output.width)
      }
    }
  }

  private func addImage(
    _ source: UnsafePointer<Float>, top: Int, left: Int, into target: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<input.height {
      let y = row * strides.height + top
      guard y >= 0, y < output.height else { continue }
      for column in 0..<input.width {
        let x = column * strides.width + left
        if x >= 0, x < output.width {
          target[y * output.width + x] += source[row * input.width + column]
        }
      }
    }
  }
}
