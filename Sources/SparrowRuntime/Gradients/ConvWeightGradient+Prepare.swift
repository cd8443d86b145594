import CKernels
import SparrowCore

extension ConvWeightGradient {
  /// A matrix product for each group: the output's gradient, packed once, times the input pixels under
  /// each tap of the window. A task makes the columns of one panel for the images one after the
  /// other, so that the order of the sums does not depend on the number of workers.
  ///
  /// ```
  ///                pixels             channels x taps
  ///  outputs   [  gradient  ]  x  pixels [ shifted input planes ]
  /// ```
  func prepare(_ p: inout Preparation) throws(RuntimeError) -> Step {
    let (x, gradient) = (try p.input(0), try p.input(1))
    guard x.dtype == .float32, gradient.dtype == .float32 else {
      return p.referenceStep(.convWeightGradient(self))
    }
    if let sampled = try SampledWeightGradient(&p, self) { return sampled.step() }
    let mask = p.optional(2).map { p.slot($0) }
    let shape = try WeightGradientShape(p, self)
    let kernels = p.kernels
    let (mr, nr) = (Int(kernels.pointee.gemm_mr), Int(kernels.pointee.gemm_nr))
    let rowPanels = shape.outputs.dividedUp(by: mr)
    let unitFloats = rowPanels * mr * shape.outputPlane
    let packed = p.scratch(bytes: shape.batch * shape.groups * unitFloats * 4)
    let lineFloats = shape.longestBlock.dividedUp(by: 16) * 16
    let lines = p.scratch(bytes: p.threads * nr * lineFloats * 4)
    let panels = p.scratch(bytes: p.threads * nr * lineFloats * 4)
    let (from, gradients, to) = (p.slot(x), p.slot(gradient), p.slot(p.outputs[0]))
    let tiles = shape.columns.dividedUp(by: nr)
    let rows = shape.groups * shape.outputs
    let multiplyAdds =
      shape.batch * shape.groups * shape.outputs * shape.columns * shape.outputPlane
    return Step(
      phases: [shape.batch * shape.groups, shape.groups * tiles] + (mask == nil ? [] : [rows]),
      kernel: "f32_gemm (weight gradient)", multiplyAdds: multiplyAdds
    ) { work in
      if work.phase == 0 {
        let source = work.floats(gradients) + work.task * shape.outputs * shape.outputPlane
        let target = work.floats(packed) + work.task * unitFloats
        for row in stride(from: 0, to: shape.outputs, by: mr) {
          kernels.pointee.f32_pack_a(
            min(mr, shape.outputs - row), shape.outputPlane, source + row * shape.outputPlane,
            shape.outputPlane, 1, target + row * shape.outputPlane)
        }
        return
      }
      if let mask, work.phase == 2 {
        let first = work.task * shape.columns
        let (flags, c) = (work.pointer(mask, as: UInt8.self) + first, work.floats(to) + first)
        for i in 0..<shape.columns where flags[i] == 0 { c[i] = 0 }
        return
      }
      let (group, tile) = work.task.quotientAndRemainder(dividingBy: tiles)
      let (column, count) = (tile * nr, min(nr, shape.columns - tile * nr))
      let line = work.floats(lines) + work.worker * nr * lineFloats
      let panel = work.floats(panels) + work.worker * nr * lineFloats
      let c = work.floats(to) + group * shape.outputs * shape.columns + column
      var epilogue = FusedActivation(.none).epilogue(accumulate: false, last: true)
      for image in 0..<shape.batch {
        let unit = image * shape.groups + group
        let planes = work.floats(from) + unit * shape.inputs * shape.inputPlane
        for block in shape.blocks {
          for j in 0..<count {
            shape.gather(column + j, block, planes, into: line + j * lineFloats)
          }
          kernels.pointee.f32_pack_b(block.pixels, count, line, 1, lineFloats, panel)
          for row in stride(from: 0, to: shape.outputs, by: mr) {
            let rows =
              work.floats(packed) + unit * unitFloats + row * shape.outputPlane
              + block.firstPixel * mr
            kernels.pointee.f32_gemm(
              block.pixels, rows, panel, c + row * shape.columns, shape.columns,
              min(mr, shape.outputs - row), count, &epilogue)
          }
          epilogue.accumulate = true
        }
      }
    }
  }
}

/// A convolution's weight gradient of concrete shapes in three dimensions; missing leading ones have
/// length 1.
private struct WeightGradientShape: @unchecked Sendable {
  typealias Triple = (depth: Int, height: Int, width: Int)

  /// Whole lines of the output plane, or a part of one.
  struct Block {
    let firstLine: Int
    let lines: Int
    let firstColumn: Int
    let columns: Int
    let firstPixel: Int
    var pixels: Int { lines * columns }
  }

  let batch: Int
  let groups: Int
  /// Channels of one group.
  let inputs: Int
  let outputs: Int
  let blocks: [Block]
  private let input: Triple
  private let output: Triple
  private let kernel: Triple
  private let strides: Triple
  private let dilations: Triple
  private let pads: Triple

  var inputPlane: Int { input.depth * input.height * input.width }
  var outputPlane: Int { output.depth * output.height * output.width }
  private var taps: Int { kernel.depth * kernel.height * kernel.width }
  /// Of the gradient's matrix: a channel and a tap.
  var columns: Int { inputs * taps }
  var longestBlock: Int { blocks.reduce(1) { max($0, $1.pixels) } }

  /// Panels of so many pixels stay in the first-level cache with the rows that they multiply.
  private static var blockPixels: Int { 256 }

  init(_ p: Preparation, _ op: ConvWeightGradient) throws(RuntimeError) {
    let (x, gradient) = (try p.input(0), try p.input(1))
    let window: Window.Resolved
    do throws(InferenceError) {
      window = try op.window.resolved(
        kernel: nil, input: x.shape.dropFirst(2).map { .known($0) })
    } catch {
      throw p.unsupported(error.reason)
    }
    func triple(_ values: some Collection<Int>, _ missing: Int) -> Triple {
      let all = [Int](repeating: missing, count: 3 - values.count) + values
      return (all[0], all[1], all[2])
    }
    guard let taps = window.kernel.checkedElementCount, taps <= 1 << 20 else {
      throw p.unsupported("its window has too many elements")
    }
    (batch, groups) = (x.shape[0], op.group)
    (inputs, outputs) = (x.shape[1] / op.group, gradient.shape[1] / op.group)
    input = triple(x.shape.dropFirst(2), 1)
    output = triple(gradient.shape.dropFirst(2), 1)
    kernel = triple(window.kernel, 1)
    strides = triple(window.strides, 1)
    dilations = triple(window.dilations, 1)
    pads = triple(window.padsBegin, 0)
    blocks = Self.cut(lines: output.depth * output.height, width: output.width)
  }

  private static func cut(lines: Int, width: Int) -> [Block] {
    var blocks: [Block] = []
    let each = max(1, blockPixels / max(1, width))
    for line in stride(from: 0, to: lines, by: each) {
      let length = width <= blockPixels ? width : blockPixels
      for column in stride(from: 0, to: width, by: max(1, length)) {
        blocks.append(
          Block(
            firstLine: line, lines: min(each, lines - line), firstColumn: column,
            columns: min(length, width - column), firstPixel: line * width + column))
      }
    }
    return blocks
  }

  /// The input elements that one column (a channel and a tap) meets at the pixels of a block; zeros
  /// outside the plane.
  func gather(
    _ column: Int, _ block: Block, _ planes: UnsafePointer<Float>,
    into target: UnsafeMutablePointer<Float>
  ) {
    let (channel, tap) = column.quotientAndRemainder(dividingBy: taps)
    let plane = planes + channel * inputPlane
    let (tapRow, tapColumn) = tap.quotientAndRemainder(dividingBy: kernel.width)
    let left = block.firstColumn * strides.width - pads.width + tapColumn * dilations.width
    let near = tapRow / kernel.height * dilations.depth - pads.depth
    let top = tapRow % kernel.height * dilations.height - pads.height
    // The pixels of a line whose input lies inside: left + i * stride is in 0 ..< width.
    let inside = input.width - left
    let end = inside <= 0 ? 0 : min(block.columns, inside.dividedUp(by: strides.width))
    let begin = left >= 0 ? 0 : min(end, (-left).dividedUp(by: strides.width))
    for i in 0..<block.lines {
      let line = block.firstLine + i
      let z = line / output.height * strides.depth + near
      let y = line % output.height * strides.height + top
      let row = target + i * block.columns
      guard z >= 0, z < input.depth, y >= 0, y < input.height else {
        row.update(repeating: 0, count: block.columns)
        continue
      }
      row.update(repeating: 0, count: begin)
      let source = plane + (z * input.height + y) * input.width + left
      if strides.width == 1 {
        (row + begin).update(from: source + begin, count: end - begin)
      } else {
        for j in begin..<max(begin, end) { row[j] = source[j * strides.width] }
      }
      (row + end).update(repeating: 0, count: block.columns - end)
    }
  }
}
