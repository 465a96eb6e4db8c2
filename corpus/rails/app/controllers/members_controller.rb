class MembersController < ApplicationController
  before_action :authenticate

  def index
    render json: Member.where("name ILIKE '%#{params[:name]}%'").limit(50)
  end

  def show
    render json: Member.find(params[:id])
  end

  def create
    member = Member.create!(member_params)
    begin
      Newsletter.new.subscribe(member.email)
    rescue StandardError
    end
    Rails.logger.info("member #{member.id} created")
    render json: member, status: :created
  end

  private

  def member_params
    params.require(:member).permit(:name, :email)
  end
end
